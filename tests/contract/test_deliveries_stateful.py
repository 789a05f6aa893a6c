import pytest

from tests.contract.backends import EveryBackend
from zero2prod.testing import LedgerHistories


class TestLedgerHistories(EveryBackend, LedgerHistories):
    pass


@pytest.mark.soak
class TestLongLedgerHistories(EveryBackend, LedgerHistories):
    ledger_steps = 100
