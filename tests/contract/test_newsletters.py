from tests.contract.backends import EveryBackend
from zero2prod.testing import NewslettersContract


class TestNewsletters(EveryBackend, NewslettersContract):
    pass
