from tests.contract.backends import EveryBackend
from zero2prod.testing import BreakersContract


class TestBreakers(EveryBackend, BreakersContract):
    pass
