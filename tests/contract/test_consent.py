from tests.contract.backends import EveryBackend
from zero2prod.testing import ConsentContract


class TestConsent(EveryBackend, ConsentContract):
    pass
