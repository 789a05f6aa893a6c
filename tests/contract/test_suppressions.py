from tests.contract.backends import EveryBackend
from zero2prod.testing import SuppressionsContract


class TestSuppressions(EveryBackend, SuppressionsContract):
    pass
