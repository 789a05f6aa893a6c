"""The whole suite at once."""

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


class StoreContract(
    TransactionsContract,
    NewslettersContract,
    SubscribersContract,
    TokensContract,
    ConsentContract,
    LettersContract,
    IssuesContract,
    DeliveriesContract,
    SuppressionsContract,
    AccountsContract,
    SessionsContract,
    IdempotencyContract,
    LimitsContract,
    BreakersContract,
    AuditContract,
    LocksContract,
    SignalContract,
    HealthContract,
    HeartbeatsContract,
    LedgerHistories,
    SubscriberHistories,
    LifeHistories,
):
    """Everything that the core asks of a store, example by example and as histories."""
