"""Transactions in memory: one writer at a time, whose changes stand apart until they are committed all at once."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import Any

from adapters_memory.accounts import InMemoryAccountRepository
from adapters_memory.audit import InMemoryAuditLog
from adapters_memory.breakers import InMemoryBreakerRepository
from adapters_memory.consent import InMemoryConsentRepository
from adapters_memory.deliveries import InMemoryDeliveryLedger
from adapters_memory.delivery_rows import Arrivals
from adapters_memory.idempotency import InMemoryIdempotencyRepository
from adapters_memory.issues import InMemoryIssueRepository
from adapters_memory.letters import InMemoryLetterRepository
from adapters_memory.limits import InMemoryLimitRepository
from adapters_memory.newsletters import InMemoryNewsletterRepository
from adapters_memory.overlay import Overlay
from adapters_memory.sessions import InMemorySessionRepository
from adapters_memory.subscribers import InMemorySubscriberRepository
from adapters_memory.suppressions import InMemorySuppressionRepository
from adapters_memory.tables import Tables
from adapters_memory.tokens import InMemoryTokenRepository
from zero2prod_core.domain.instants import Instant
from zero2prod_core.errors import Defect
from zero2prod_core.ports.store import Transaction, UnitOfWork

__all__ = ["InMemoryTransaction", "InMemoryUnitOfWork"]


def utc_now() -> Instant:
    return datetime.now(UTC)


class InMemoryTransaction(Transaction):
    """All repositories over one overlay."""

    def __init__(self, tables: Tables, overlay: Overlay, clock: Callable[[], Instant]) -> None:
        self._tables = tables
        self._overlay = overlay
        self._clock = clock
        self._now: Instant | None = None

    async def now(self) -> Instant:
        self._overlay.check_open()
        if self._now is None:
            self._now = self._clock()
        return self._now

    @property
    def newsletters(self) -> InMemoryNewsletterRepository:
        return InMemoryNewsletterRepository(self._tables, self._overlay)

    @property
    def subscribers(self) -> InMemorySubscriberRepository:
        return InMemorySubscriberRepository(self._tables, self._overlay)

    @property
    def tokens(self) -> InMemoryTokenRepository:
        return InMemoryTokenRepository(self._tables, self._overlay)

    @property
    def consent(self) -> InMemoryConsentRepository:
        return InMemoryConsentRepository(self._tables, self._overlay)

    @property
    def letters(self) -> InMemoryLetterRepository:
        return InMemoryLetterRepository(self._tables, self._overlay)

    @property
    def issues(self) -> InMemoryIssueRepository:
        return InMemoryIssueRepository(self._tables, self._overlay)

    @property
    def deliveries(self) -> InMemoryDeliveryLedger:
        return InMemoryDeliveryLedger(self._tables, self._overlay, self._clock)

    @property
    def suppressions(self) -> InMemorySuppressionRepository:
        return InMemorySuppressionRepository(self._tables, self._overlay)

    @property
    def accounts(self) -> InMemoryAccountRepository:
        return InMemoryAccountRepository(self._tables, self._overlay)

    @property
    def sessions(self) -> InMemorySessionRepository:
        return InMemorySessionRepository(self._tables, self._overlay)

    @property
    def idempotency(self) -> InMemoryIdempotencyRepository:
        return InMemoryIdempotencyRepository(self._tables, self._overlay)

    @property
    def limits(self) -> InMemoryLimitRepository:
        return InMemoryLimitRepository(self._tables, self._overlay, self._clock)

    @property
    def breakers(self) -> InMemoryBreakerRepository:
        return InMemoryBreakerRepository(self._tables, self._overlay, self._clock)

    @property
    def audit(self) -> InMemoryAuditLog:
        return InMemoryAuditLog(self._tables, self._overlay)


class InMemoryUnitOfWork(UnitOfWork):
    """A whole store. It starts with the default newsletter, and ends with the object.

    A transaction waits until the one before it has ended; ``reading()`` waits for nobody and sees what is committed. It
    belongs to one event loop.

    Args:
        clock: the store's clock; tests may give their own.
    """

    def __init__(self, clock: Callable[[], Instant] = utc_now) -> None:
        self.clock = clock
        self._tables = Tables()
        self._writing = asyncio.Lock()
        self._inside: set[asyncio.Task[Any] | None] = set()

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[Transaction]:
        """A transaction: leaving commits, raising rolls back."""
        with self._alone():
            async with self._writing:
                with self._open(writable=True) as tx:
                    yield tx

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Transaction]:
        """What is committed at each call; nothing may be written."""
        with self._alone(), self._open(writable=False) as tx:
            yield tx

    def on_enqueued(self, listener: Callable[[], object]) -> None:
        """Have ``listener`` called whenever deliveries have been added."""
        self._tables.deliveries.watch(Arrivals(listener))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        task = asyncio.current_task()
        if task in self._inside:
            raise Defect("a transaction was opened inside another one of the same task")
        self._inside.add(task)
        try:
            yield
        finally:
            self._inside.discard(task)

    @contextmanager
    def _open(self, *, writable: bool) -> Iterator[Transaction]:
        overlay = Overlay(writable)
        try:
            yield InMemoryTransaction(self._tables, overlay, self.clock)
        finally:
            overlay.ended = True
        overlay.commit()
