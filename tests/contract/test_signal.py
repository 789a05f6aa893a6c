from tests.contract.backends import EveryBackend
from zero2prod.testing import SignalContract


class TestSignal(EveryBackend, SignalContract):
    pass
