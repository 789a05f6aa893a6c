"""Stores for a whole engine in this process, in memory and in PostgreSQL, and what the ledger in them says.

In memory, time stands still until a test moves it. In PostgreSQL it is the ends of waits that a test moves.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from datetime import timedelta
from typing import Any, TypeAlias

import attrs
import psycopg
from psycopg.conninfo import make_conninfo

from adapters_memory import InMemoryDeliverySignal, InMemoryHeartbeats, InMemoryLocks
from adapters_memory.store import InMemoryUnitOfWork
from adapters_postgres.embedded import EmbeddedPostgres
from adapters_postgres.embedded.cluster import OWNER
from adapters_postgres.health import PostgresHeartbeats
from adapters_postgres.locks import PostgresLocks
from adapters_postgres.pool import Pool
from adapters_postgres.signal import PostgresDeliverySignal
from adapters_postgres.unit_of_work import PostgresUnitOfWork
from tests.support.databases import migrated_database
from tests.support.pools import opened_pool
from zero2prod.testing.application import MovableClock, assemble
from zero2prod.testing.builders import number
from zero2prod.worker import Pace, Parts
from zero2prod_core.application import Application
from zero2prod_core.domain.deliveries import DeliveryState, Scope
from zero2prod_core.domain.letters import LetterKind
from zero2prod_core.domain.suppressions import Reason
from zero2prod_core.ports.mailer import Mailer
from zero2prod_core.ports.store import UnitOfWork

PACE = Pace(poll=timedelta(milliseconds=20))

CONNECTIONS = 2
"""Of one store's pool. A signal and each job under way hold one more each."""

AT_ONCE = 16
"""Stores in PostgreSQL that are open together."""

MANY_CONNECTIONS = {"max_connections": "400"}
"""For so many stores, all of whose jobs may be under way together."""

ROWS = """
SELECT subscriptions.email, deliveries.state, attempts, uncertain_attempts, reply IS NOT NULL,
    coalesce(
        (SELECT scope FROM breakers WHERE scope = 'domain' AND subject = deliveries.domain),
        (SELECT scope FROM breakers WHERE scope = 'relay')
    ),
    EXISTS (
        SELECT FROM suppressions
        WHERE suppressions.email_digest = deliveries.email_digest AND suppressions.reason = 'bounce'
    )
FROM deliveries JOIN subscriptions ON id = recipient_id
"""

FORWARD = """
UPDATE deliveries SET due_at = due_at - %(by)s, resend_at = resend_at - %(by)s, give_up_at = give_up_at - %(by)s;
UPDATE breakers SET open_until = open_until - %(by)s
"""


@attrs.frozen
class Row:
    """A delivery of the one issue. ``breaker`` holds back mail like it, ``is_answered`` if there is a last reply."""

    email: str
    state: DeliveryState
    attempts: int
    uncertain_attempts: int
    is_answered: bool
    breaker: Scope | None
    is_suppressed: bool


class Store(ABC):
    """An empty one, with the application over it."""

    def __init__(self, uow: UnitOfWork) -> None:
        self.uow = uow
        self.application: Application = assemble(uow)

    @abstractmethod
    def parts(self, mailer: Mailer) -> Parts:
        """What a worker over it works with."""

    @abstractmethod
    def rows(self) -> Sequence[Row]:
        """The ledger of issues."""

    @abstractmethod
    def forward(self, by: timedelta) -> None:
        """Let so much time pass for whatever waits."""


Stores: TypeAlias = Callable[[], AbstractAsyncContextManager[Store]]
"""Makes another one each time."""


class InMemory(Store):
    def __init__(self) -> None:
        self._clock = MovableClock()
        self._store = InMemoryUnitOfWork(self._clock)
        super().__init__(self._store)

    def parts(self, mailer: Mailer) -> Parts:
        signal, heartbeats = InMemoryDeliverySignal(self._store), InMemoryHeartbeats(self._store)
        return Parts(self.application, mailer, signal, InMemoryLocks(), heartbeats, PACE)

    def rows(self) -> Sequence[Row]:
        tables = self._store._tables
        domains = {key.subject for key in tables.breakers.rows if key.scope is Scope.DOMAIN}
        relay = Scope.RELAY if any(key.scope is Scope.RELAY for key in tables.breakers.rows) else None
        bounced = {digest for digest, reason in tables.suppressions.rows if reason is Reason.BOUNCE}
        issues = {letter.id for letter in tables.letters.rows.values() if letter.kind is LetterKind.ISSUE}
        return [
            Row(
                tables.subscribers.rows[row.key.recipient].email.text,
                row.state,
                row.attempts,
                row.uncertain_attempts,
                row.reply is not None,
                Scope.DOMAIN if row.domain in domains else relay,
                row.digest in bounced,
            )
            for row in tables.deliveries.rows.values()
            if row.key.letter in issues
        ]

    def forward(self, by: timedelta) -> None:
        self._clock.forward(by)


@asynccontextmanager
async def in_memory() -> AsyncIterator[Store]:
    yield InMemory()


class InPostgres(Store):
    def __init__(self, pool: Pool, signal: PostgresDeliverySignal, superuser: psycopg.Connection[Any]) -> None:
        self._pool = pool
        self._signal = signal
        self._superuser = superuser
        super().__init__(PostgresUnitOfWork(pool))

    def parts(self, mailer: Mailer) -> Parts:
        locks, heartbeats = PostgresLocks(self._pool), PostgresHeartbeats(self._pool)
        return Parts(self.application, mailer, self._signal, locks, heartbeats, PACE)

    def rows(self) -> Sequence[Row]:
        found = psycopg.ClientCursor(self._superuser).execute(ROWS).fetchall()
        return [
            Row(email, DeliveryState(state), tries, doubts, is_answered, Scope(scope) if scope else None, is_suppressed)
            for email, state, tries, doubts, is_answered, scope, is_suppressed in found
        ]

    def forward(self, by: timedelta) -> None:
        psycopg.ClientCursor(self._superuser).execute(FORWARD, {"by": by})


class PostgresStores:
    """Each a database of its own, copied from one that was migrated; called, as `Stores`."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self._server = server
        self._template = f"template_{number()}"
        self._places = asyncio.Semaphore(AT_ONCE)
        with migrated_database(server, self._template):
            pass

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[Store]:
        name = f"copy_{number()}"
        async with self._places:
            await self._tell(f"CREATE DATABASE {name} TEMPLATE {self._template} OWNER {OWNER}")
            try:
                async with self._opened(name) as store:
                    yield store
            finally:
                await self._tell(f"DROP DATABASE {name} WITH (FORCE)")

    @asynccontextmanager
    async def _opened(self, name: str) -> AsyncIterator[Store]:
        async with opened_pool(make_conninfo(self._server.url, dbname=name), CONNECTIONS) as pool:
            signal = PostgresDeliverySignal(pool)
            try:
                with closing(self._superuser(name)) as superuser:
                    yield InPostgres(pool, signal, superuser)
            finally:
                await signal.close()

    async def _tell(self, statement: str) -> None:
        def execute() -> None:
            with closing(self._superuser()) as superuser:
                superuser.execute(statement.encode())

        await asyncio.to_thread(execute)

    def _superuser(self, name: str = "postgres") -> psycopg.Connection[Any]:
        return psycopg.connect(make_conninfo(self._server.superuser_url, dbname=name), autocommit=True)
