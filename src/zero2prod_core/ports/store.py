"""The store: transactions over every repository, locks between processes, and health."""

from abc import abstractmethod
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Protocol

from zero2prod_core.domain.instants import Instant
from zero2prod_core.ports.accounts import AccountRepository
from zero2prod_core.ports.audit import AuditLog
from zero2prod_core.ports.breakers import BreakerRepository
from zero2prod_core.ports.consent import ConsentRepository
from zero2prod_core.ports.deliveries import DeliveryLedger
from zero2prod_core.ports.idempotency import IdempotencyRepository
from zero2prod_core.ports.issues import IssueRepository
from zero2prod_core.ports.letters import LetterRepository
from zero2prod_core.ports.limits import LimitRepository
from zero2prod_core.ports.newsletters import NewsletterRepository
from zero2prod_core.ports.sessions import SessionRepository
from zero2prod_core.ports.subscribers import SubscriberRepository
from zero2prod_core.ports.suppressions import SuppressionRepository
from zero2prod_core.ports.tokens import TokenRepository


class Transaction(Protocol):
    """All repositories over one transaction. Used after its end it is a Defect."""

    @property
    @abstractmethod
    def newsletters(self) -> NewsletterRepository: ...
    @property
    @abstractmethod
    def subscribers(self) -> SubscriberRepository: ...
    @property
    @abstractmethod
    def tokens(self) -> TokenRepository: ...
    @property
    @abstractmethod
    def consent(self) -> ConsentRepository: ...
    @property
    @abstractmethod
    def letters(self) -> LetterRepository: ...
    @property
    @abstractmethod
    def issues(self) -> IssueRepository: ...
    @property
    @abstractmethod
    def deliveries(self) -> DeliveryLedger: ...
    @property
    @abstractmethod
    def suppressions(self) -> SuppressionRepository: ...
    @property
    @abstractmethod
    def accounts(self) -> AccountRepository: ...
    @property
    @abstractmethod
    def sessions(self) -> SessionRepository: ...
    @property
    @abstractmethod
    def idempotency(self) -> IdempotencyRepository: ...
    @property
    @abstractmethod
    def limits(self) -> LimitRepository: ...
    @property
    @abstractmethod
    def breakers(self) -> BreakerRepository: ...
    @property
    @abstractmethod
    def audit(self) -> AuditLog: ...

    @abstractmethod
    async def now(self) -> Instant:
        """The store's clock, read once per transaction: later calls return the same instant."""


class UnitOfWork(Protocol):
    """Opens transactions. ``async with uow() as tx``: leaving commits, raising rolls back.

    Changes are visible to others only after the commit, all at once. One task has at most one transaction open: nesting
    is a Defect. The store is unreachable or silent: StoreUnavailable, nothing committed. The connection is lost while
    committing: CommitUnknown.
    """

    @abstractmethod
    def __call__(self) -> AbstractAsyncContextManager[Transaction]: ...

    @abstractmethod
    def reading(self) -> AbstractAsyncContextManager[Transaction]:
        """For reads that need no transaction: each statement stands alone, and nothing may be written."""


class Locks(Protocol):
    @abstractmethod
    def try_hold(self, name: str) -> AbstractAsyncContextManager[bool]:
        """Yields whether this process now holds the lock called ``name``; at most one holder over all processes.

        The lock ends with the block or with the process, whichever is first.
        """


class Health(Protocol):
    @abstractmethod
    async def check(self) -> dict[str, str]:
        """Part → "ok", or what is wrong with it, for ``database`` and ``schema``. Never raises."""


class Heartbeats(Protocol):
    @abstractmethod
    async def beat(self, worker: str) -> None:
        """Note that this worker lives."""

    @abstractmethod
    async def last(self) -> timedelta | None:
        """How long ago the youngest beat was, or None where there has been none."""
