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
from adapters_postgres.signal import PostgresDeliverySignal
from adapters_postgres.unit_of_work import PostgresUnitOfWork
from tests.support.databases import Database
from tests.support.pools import opened_pool
from zero2prod.testing import Backend, Contract


@attrs.frozen
class Subject:
    """A way to open new, empty backends of one kind. ``share`` of the usual number of examples is what one costs."""

    open: Callable[[], AbstractAsyncContextManager[Backend]]
    share: float


Make: TypeAlias = Callable[[pytest.FixtureRequest], Subject]


def memory(request: pytest.FixtureRequest) -> Subject:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Backend]:
        uow = InMemoryUnitOfWork()
        yield Backend(
            uow=uow,
            locks=InMemoryLocks(),
            signal=InMemoryDeliverySignal(uow),
            health=InMemoryHealth(),
            heartbeats=InMemoryHeartbeats(uow),
        )

    return Subject(opened, share=0.75)


def postgres(request: pytest.FixtureRequest) -> Subject:
    database: Database = request.getfixturevalue("database")

    @asynccontextmanager
    async def opened() -> AsyncIterator[Backend]:
        database.empty()
        async with opened_pool(database.url, size=4) as pool:
            signal = PostgresDeliverySignal(pool)
            try:
                yield Backend(
                    uow=PostgresUnitOfWork(pool),
                    locks=PostgresLocks(pool),
                    signal=signal,
                    health=PostgresHealth(pool),
                    heartbeats=PostgresHeartbeats(pool),
                )
            finally:
                await signal.close()

    return Subject(opened, share=0.2)


BACKENDS: Mapping[str, Make] = {"memory": memory, "postgres": postgres}


class EveryBackend(Contract):
    """The contract that is inherited beside this one, held against each backend in turn."""

    subject: Subject

    @pytest.fixture(params=BACKENDS, autouse=True)
    def _choose(self, request: pytest.FixtureRequest) -> None:
        self.subject = BACKENDS[request.param](request)
        self.share = self.subject.share

    def open_backend(self) -> AbstractAsyncContextManager[Backend]:
        return self.subject.open()
