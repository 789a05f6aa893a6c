from tests.contract.backends import EveryBackend
from zero2prod.testing import SessionsContract


class TestSessions(EveryBackend, SessionsContract):
    pass
