from tests.contract.backends import EveryBackend
from zero2prod.testing import LimitsContract


class TestLimits(EveryBackend, LimitsContract):
    pass
