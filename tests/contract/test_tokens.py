from tests.contract.backends import EveryBackend
from zero2prod.testing import TokensContract


class TestTokens(EveryBackend, TokensContract):
    pass
