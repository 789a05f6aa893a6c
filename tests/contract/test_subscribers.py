from tests.contract.backends import EveryBackend
from zero2prod.testing import SubscribersContract


class TestSubscribers(EveryBackend, SubscribersContract):
    pass
