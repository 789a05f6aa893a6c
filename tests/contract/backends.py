"""The one place that lists the backends: whatever stands here is held to every contract of this folder."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeAlias

import attrs
import pytest

from adapters_memory import (
    InMemoryDeliverySignal,
    InMemoryHealth,
    InMemoryHeartbeats,
    InMemoryLocks,
    InMemoryUnitOfWork,
)
from adapters_postgres.health import PostgresHealth, PostgresHeartbeats
from adapters_postgres.locks import PostgresLocks
from adapters_postgres.pool import Pool
from adapters_postgres.signal import PostgresDeliverySignal
from adapters_postgres.unit_of_work import PostgresUnitOfWork
from tests.support.databases import Database
from zero2prod_core.ports.deliveries import DeliverySignal
from zero2prod_core.ports.store import Health, Heartbeats, Locks, UnitOfWork


@attrs.frozen
class Backend:
    """An empty store, as an adapter gives it to the core, and what goes with it."""

    uow: UnitOfWork
    locks: Locks
    signal: DeliverySignal
    health: Health
    heartbeats: Heartbeats


@attrs.frozen
class Subject:
    """A way to open new, empty backends of one kind. ``share`` of the usual number of examples is what one costs."""

    name: str
    open: Callable[[], AbstractAsyncContextManager[Backend]]
    share: float


Make: TypeAlias = Callable[[pytest.FixtureRequest], Subject]


def memory(request: pytest.FixtureRequest) -> Subject:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Backend]:
        uow = InMemoryUnitOfWork()
        signal, beats = InMemoryDeliverySignal(uow), InMemoryHeartbeats(uow)
        yield Backend(uow, InMemoryLocks(), signal, InMemoryHealth(), beats)

    return Subject("memory", opened, share=0.75)


def postgres(request: pytest.FixtureRequest) -> Subject:
    database: Database = request.getfixturevalue("database")

    @asynccontextmanager
    async def opened() -> AsyncIterator[Backend]:
        database.empty()
        pool = Pool(database.url, size=4)
        await pool.open()
        signal = PostgresDeliverySignal(pool)
        try:
            yield Backend(
                PostgresUnitOfWork(pool), PostgresLocks(pool), signal, PostgresHealth(pool), PostgresHeartbeats(pool)
            )
        finally:
            await signal.close()
            await pool.close()

    return Subject("postgres", opened, share=0.2)


BACKENDS: Mapping[str, Make] = {"memory": memory, "postgres": postgres}
