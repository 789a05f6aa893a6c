from tests.contract.backends import EveryBackend
from zero2prod.testing import HealthContract, HeartbeatsContract, LocksContract, TransactionsContract


class TestTransactions(EveryBackend, TransactionsContract):
    pass


class TestLocks(EveryBackend, LocksContract):
    pass


class TestHealth(EveryBackend, HealthContract):
    pass


class TestHeartbeats(EveryBackend, HeartbeatsContract):
    pass
