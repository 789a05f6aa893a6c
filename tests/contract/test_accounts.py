from tests.contract.backends import EveryBackend
from zero2prod.testing import AccountsContract


class TestAccounts(EveryBackend, AccountsContract):
    pass
