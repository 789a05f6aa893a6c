"""The conformance suite: what every adapter of the core's persistence ports is held to, ours and yours.

    from contextlib import asynccontextmanager

    from zero2prod.testing import Backend, StoreContract

    class TestMyStore(StoreContract):
        @asynccontextmanager
        async def open_backend(self):
            async with my_empty_store() as store:
                yield Backend(uow=store.uow, locks=store.locks, …)

`StoreContract` unites one class for each port; an adapter of a single port inherits that port's alone. They need
pytest and Hypothesis, which the extra ``testing`` brings, and no server, no database and no other plugin.
`zero2prod.testing.builders` makes values for tests, and `zero2prod.testing.application` the core over any store.
"""

try:
    import hypothesis  # noqa: F401 - whether it is there is found out here, in one place
    import pytest
except ModuleNotFoundError as missing:
    if missing.name not in ("hypothesis", "pytest"):
        raise
    raise ModuleNotFoundError(
        "zero2prod.testing needs pytest and hypothesis: pip install 'zero2prod[testing]'", name=missing.name
    ) from None

# Before they are imported, so that a failed assert shows its values although it does not stand in a test file.
pytest.register_assert_rewrite(
    "zero2prod.testing.contract", "zero2prod.testing.contracts", "zero2prod.testing.histories"
)

from zero2prod.testing.contract import Backend, Contract
from zero2prod.testing.contracts.accounts import AccountsContract
from zero2prod.testing.contracts.audit import AuditContract
from zero2prod.testing.contracts.breakers import BreakersContract
from zero2prod.testing.contracts.consent import ConsentContract
from zero2prod.testing.contracts.deliveries import DeliveriesContract
from zero2prod.testing.contracts.health import HealthContract, HeartbeatsContract
from zero2prod.testing.contracts.idempotency import IdempotencyContract
from zero2prod.testing.contracts.issues import IssuesContract
from zero2prod.testing.contracts.letters import LettersContract
from zero2prod.testing.contracts.limits import LimitsContract
from zero2prod.testing.contracts.locks import LocksContract
from zero2prod.testing.contracts.newsletters import NewslettersContract
from zero2prod.testing.contracts.sessions import SessionsContract
from zero2prod.testing.contracts.subscribers import SubscribersContract
from zero2prod.testing.contracts.suppressions import SuppressionsContract
from zero2prod.testing.contracts.tokens import TokensContract
from zero2prod.testing.contracts.transactions import TransactionsContract
from zero2prod.testing.contracts.waking import SignalContract
from zero2prod.testing.histories.ledger import LedgerHistories
from zero2prod.testing.histories.lives import LifeHistories
from zero2prod.testing.histories.subscribers import SubscriberHistories
from zero2prod.testing.store import StoreContract

__all__ = [
    "AccountsContract",
    "AuditContract",
    "Backend",
    "BreakersContract",
    "ConsentContract",
    "Contract",
    "DeliveriesContract",
    "HealthContract",
    "HeartbeatsContract",
    "IdempotencyContract",
    "IssuesContract",
    "LedgerHistories",
    "LettersContract",
    "LifeHistories",
    "LimitsContract",
    "LocksContract",
    "NewslettersContract",
    "SessionsContract",
    "SignalContract",
    "StoreContract",
    "SubscriberHistories",
    "SubscribersContract",
    "SuppressionsContract",
    "TokensContract",
    "TransactionsContract",
]
