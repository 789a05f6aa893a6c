"""The database away, by refusing, by hanging and by dying: a quick no, and back to work by itself.

What is promised over HTTP is an answer within 2 s and recovery within 5 s; the store answers within 1.5 s of the
beginning of the silence.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeAlias

import pytest
import uvloop

from adapters_postgres.embedded import EmbeddedPostgres
from adapters_postgres.health import PostgresHealth
from adapters_postgres.locks import PostgresLocks
from adapters_postgres.migrate import migrate
from adapters_postgres.pool import Pool
from adapters_postgres.unit_of_work import PostgresUnitOfWork
from tests.support.postgres import UNSAFE_AND_FAST, scratch_directory
from tests.support.server_faults import go_on, hang, kill, seconds_until_used
from tests.support.stopwatches import stopwatch
from zero2prod.testing.builders import newsletter
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER
from zero2prod_core.errors import CommitUnknown, StoreUnavailable
from zero2prod_core.ports.store import Transaction

pytestmark = pytest.mark.alone

# A hung server would be waited for until it goes on. The pool's patience is 1.5 s; the rest is for a busy machine.
NOTICED_WITHIN = 15.0

RECOVERED_WITHIN = 15.0

# Sooner than the pool's patience: the server was not asked again.
AT_ONCE = 1.0

Opened: TypeAlias = AbstractAsyncContextManager[Pool]


@pytest.fixture(scope="module")
def own_server() -> Iterator[EmbeddedPostgres]:
    with scratch_directory() as directory, EmbeddedPostgres(directory / "data", options=UNSAFE_AND_FAST) as server:
        migrate(server.owner_url, server.url)
        yield server


@pytest.fixture
def server(own_server: EmbeddedPostgres) -> Iterator[EmbeddedPostgres]:
    """Working at the beginning and at the end, whatever a test does to it."""
    yield own_server
    go_on(own_server)
    own_server.start()


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Callable[[Coroutine[Any, Any, None]], None]:
    def on_a_loop(test: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(test)

    return on_a_loop


@asynccontextmanager
async def opened(server: EmbeddedPostgres, size: int = 4) -> AsyncIterator[Pool]:
    """A pool that has been at work: all its connections are there, and rest."""
    pool = Pool(server.url, size=size)
    await pool.open()
    together = asyncio.Barrier(size)

    async def work() -> None:
        async with pool.connection():
            await together.wait()

    try:
        await asyncio.gather(*(work() for _ in range(size)))
        yield pool
    finally:
        await pool.close()


async def refused(block: Callable[[], AbstractAsyncContextManager[Transaction]]) -> float:
    """The seconds after which a transaction is refused."""
    async with stopwatch() as passed:
        with pytest.raises(StoreUnavailable):
            async with block() as tx:
                await tx.newsletters.list()
        return passed()


def test_a_hung_server_is_noticed_in_time_and_used_when_it_goes_on(
    server: EmbeddedPostgres, run: Callable[[Coroutine[Any, Any, None]], None]
) -> None:
    async def test() -> None:
        async with opened(server) as pool:
            uow = PostgresUnitOfWork(pool)
            hang(server)
            assert max(await asyncio.gather(*(refused(uow) for _ in range(30)))) < NOTICED_WITHIN
            assert await refused(uow) < AT_ONCE
            assert await refused(uow.reading) < AT_ONCE
            health = await PostgresHealth(pool).check()
            assert health["database"] != "ok"
            go_on(server)
            assert await seconds_until_used(uow) < RECOVERED_WITHIN
            assert (await PostgresHealth(pool).check())["database"] == "ok"

    run(test())


def test_a_server_that_hangs_under_a_transaction_is_noticed_by_its_next_statement(
    server: EmbeddedPostgres, run: Callable[[Coroutine[Any, Any, None]], None]
) -> None:
    async def test() -> None:
        async with opened(server) as pool, PostgresUnitOfWork(pool).reading() as tx:
            await tx.newsletters.list()
            hang(server)
            async with stopwatch() as passed:
                with pytest.raises(StoreUnavailable):
                    await tx.newsletters.list()
                assert passed() < NOTICED_WITHIN

    run(test())


async def test_a_commit_without_an_answer_is_unknown(server: EmbeddedPostgres) -> None:
    async with opened(server) as pool:
        block = PostgresUnitOfWork(pool)()
        tx = await block.__aenter__()
        await tx.newsletters.list()
        hang(server)
        async with stopwatch() as passed:
            with pytest.raises(CommitUnknown):
                await block.__aexit__(None, None, None)
            assert passed() < NOTICED_WITHIN


def test_a_task_cancelled_under_a_hung_statement_ends_soon(
    server: EmbeddedPostgres, run: Callable[[Coroutine[Any, Any, None]], None]
) -> None:
    async def test() -> None:
        async with opened(server) as pool:
            hang(server)
            began = time.monotonic()
            task = asyncio.create_task(refused(PostgresUnitOfWork(pool)))
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(task, timeout=0.1)
            assert time.monotonic() - began < NOTICED_WITHIN

    run(test())


async def test_while_only_the_postmaster_hangs_the_connections_there_are_go_on_working(
    server: EmbeddedPostgres,
) -> None:
    async with opened(server, size=2) as pool:
        uow = PostgresUnitOfWork(pool)
        hang(server, only_postmaster=True)
        with pytest.raises(StoreUnavailable):
            async with PostgresLocks(pool).try_hold("anything"):
                pass
        async with pool.connection() as connection:
            assert await seconds_until_used(uow) < RECOVERED_WITHIN
            await connection.execute("SELECT 1")


async def test_statements_may_take_their_time_while_the_server_lives(server: EmbeddedPostgres) -> None:
    async with opened(server) as pool, pool.connection() as connection:
        cursor = await connection.execute("SELECT pg_sleep(2.2), 1")
        assert await cursor.fetchall() == [("", 1)]


async def test_connections_that_died_with_the_server_fail_nobody_after_its_return(server: EmbeddedPostgres) -> None:
    async with opened(server) as pool:
        kill(server)
        server.start()
        uow = PostgresUnitOfWork(pool)

        async def read() -> bool:
            async with uow() as tx:
                return DEFAULT_NEWSLETTER in await tx.newsletters.list()

        assert all(await asyncio.gather(*(read() for _ in range(8))))


@pytest.mark.parametrize("away", [3, pytest.param(125, marks=pytest.mark.soak)])
async def test_a_dead_server_is_refused_at_once_and_used_soon_after_its_return(
    server: EmbeddedPostgres, away: float
) -> None:
    async with opened(server) as pool:
        uow = PostgresUnitOfWork(pool)
        kill(server)
        began = time.monotonic()
        while time.monotonic() - began < away:
            assert max(await asyncio.gather(*(refused(uow) for _ in range(20)))) < NOTICED_WITHIN
        await asyncio.to_thread(server.start)
        assert await seconds_until_used(uow) < RECOVERED_WITHIN


@pytest.mark.soak
async def test_a_server_that_hung_for_two_minutes_is_used_soon_after(server: EmbeddedPostgres) -> None:
    async with opened(server) as pool:
        uow = PostgresUnitOfWork(pool)
        hang(server)
        began = time.monotonic()
        while time.monotonic() - began < 125:
            assert await refused(uow) < NOTICED_WITHIN
        go_on(server)
        assert await seconds_until_used(uow) < RECOVERED_WITHIN


async def test_a_server_that_dies_under_a_transaction_commits_nothing(server: EmbeddedPostgres) -> None:
    async with opened(server) as pool:
        uow, made = PostgresUnitOfWork(pool), newsletter()

        async def add_and_look() -> None:
            async with uow() as tx:
                await tx.newsletters.add(made)
                kill(server)
                await tx.newsletters.list()

        with pytest.raises(StoreUnavailable):
            await add_and_look()
        await refused(uow)
        server.start()
        assert await seconds_until_used(uow) < RECOVERED_WITHIN
        async with uow.reading() as tx:
            assert await tx.newsletters.list() == [DEFAULT_NEWSLETTER]


async def test_a_pool_opens_while_the_server_is_away(server: EmbeddedPostgres) -> None:
    kill(server)
    pool = Pool(server.url)
    await pool.open()
    try:
        uow = PostgresUnitOfWork(pool)
        assert await refused(uow) < NOTICED_WITHIN
        server.start()
        assert await seconds_until_used(uow) < RECOVERED_WITHIN
    finally:
        await pool.close()
