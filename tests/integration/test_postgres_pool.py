"""The pool's own behaviour: how many connections, for how long, and what becomes of broken ones."""

import asyncio
import socket
from collections.abc import Iterator, Mapping, Sequence
from threading import Event
from typing import Any

import pytest
from structlog.testing import capture_logs

from adapters_http.lateness import patient_timeout
from adapters_postgres import pool as pool_module
from adapters_postgres.embedded import EmbeddedPostgres
from adapters_postgres.health import PostgresHealth
from adapters_postgres.pool import Pool
from tests.support.pools import opened_pool
from tests.support.postgres import UNSAFE_AND_FAST, scratch_directory
from tests.support.server_faults import go_on, hang, kill
from tests.support.waiting import PATIENCE
from zero2prod_core.errors import Defect, StoreUnavailable

BRIEF = 1.5
"""Seconds of patience, as the service has: of less, a busy machine does not open a connection in two thirds."""


@pytest.fixture(scope="module")
def own_server() -> Iterator[EmbeddedPostgres]:
    with scratch_directory() as directory, EmbeddedPostgres(directory / "data", options=UNSAFE_AND_FAST) as server:
        yield server


@pytest.fixture
def server(own_server: EmbeddedPostgres) -> Iterator[EmbeddedPostgres]:
    """Working at the beginning and at the end, whatever a test does to it."""
    yield own_server
    go_on(own_server)
    own_server.start()


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Where the system takes connections and nobody answers."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        yield silent.getsockname()[1]


async def backend_of(pool: Pool) -> int:
    """The server process behind the connection that is lent next."""
    async with pool.connection() as connection:
        return int((await (await connection.execute("SELECT pg_backend_pid()")).fetchall())[0][0])


async def trouble(pool: Pool) -> BaseException | None:
    """What the driver said to the last attempt to open a connection; each retry has an error of its own."""
    with pytest.raises(StoreUnavailable) as refused:
        await backend_of(pool)
    return refused.value.__cause__


async def other_trouble(pool: Pool, than: BaseException | None) -> BaseException | None:
    """What a later attempt was told."""
    async with asyncio.timeout(PATIENCE):
        while True:
            await asyncio.sleep(0.01)
            if (latest := await trouble(pool)) is not than:
                return latest


async def answered_again(pool: Pool) -> bool:
    """Whether the pool lends a connection again, in time."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                return await backend_of(pool) > 0
            except StoreUnavailable:
                await asyncio.sleep(0.01)


async def test_a_connection_is_used_again_and_speaks_our_settings(server: EmbeddedPostgres) -> None:
    async with opened_pool(server.url, size=2) as pool:
        assert await backend_of(pool) == await backend_of(pool)
        async with pool.connection() as connection:
            names = ("application_name", "TimeZone", "lock_timeout", "client_encoding")
            cursor = await connection.execute(
                "SELECT current_setting(name) FROM unnest(%s::text[]) AS name", [list(names)]
            )
            assert [value for (value,) in await cursor.fetchall()] == ["zero2prod", "UTC", "5s", "UTF8"]


async def test_connections_are_lent_to_no_more_than_its_size_at_once(server: EmbeddedPostgres) -> None:
    async with opened_pool(server.url, size=2, patience=BRIEF) as pool:
        async with pool.connection() as one, pool.connection() as two:
            assert one is not two
            with pytest.raises(StoreUnavailable):
                async with pool.connection():
                    pass
        assert await backend_of(pool) > 0


async def test_while_the_machine_stands_still_nobody_is_given_up(server: EmbeddedPostgres) -> None:
    async with opened_pool(server.url, patience=BRIEF, limit=patient_timeout) as pool:
        connecting = asyncio.create_task(backend_of(pool))
        await asyncio.sleep(0)
        Event().wait(BRIEF)
        assert await connecting > 0


async def test_nor_is_whoever_waits_for_a_connection(server: EmbeddedPostgres) -> None:
    async with opened_pool(server.url, size=1, patience=BRIEF, limit=patient_timeout) as pool:
        async with pool.connection():
            waiting = asyncio.create_task(backend_of(pool))
            await asyncio.sleep(0)
            Event().wait(BRIEF)
            await asyncio.sleep(0.01)
        assert await waiting > 0


def use_of(pool: Pool) -> dict[str, object]:
    return {reading.event: reading.value for reading in pool.readings()}


async def test_its_use_can_be_read(server: EmbeddedPostgres) -> None:
    async with opened_pool(server.url, size=1) as pool:
        async with pool.connection():
            waiting = asyncio.create_task(backend_of(pool))
            await asyncio.sleep(0)
            assert use_of(pool) == {"pool_size": 1, "pool_busy": 1, "pool_waiting": 1}
        assert await waiting > 0
        assert use_of(pool) == {"pool_size": 1, "pool_busy": 0, "pool_waiting": 0}


async def test_whoever_waits_in_vain_waits_no_more(server: EmbeddedPostgres) -> None:
    async with opened_pool(server.url, size=1, patience=BRIEF) as pool, pool.connection():
        with pytest.raises(StoreUnavailable):
            await backend_of(pool)
        assert use_of(pool) == {"pool_size": 1, "pool_busy": 1, "pool_waiting": 0}


SLOW = "/* tests.{name} */ SELECT pg_sleep(0.12)"


def slow_ones(logged: Sequence[Mapping[str, Any]]) -> list[str]:
    return [line["statement"] for line in logged if line["event"] == "slow_statement"]


async def test_a_slow_statement_is_logged_by_its_name(server: EmbeddedPostgres) -> None:
    async with opened_pool(server.url, size=2) as pool, pool.connection() as connection:
        with capture_logs() as logged:
            await connection.execute(SLOW.format(name="slow"))
    assert slow_ones(logged) == ["tests.slow"]
    assert logged[0]["ms"] >= 120


async def test_so_are_those_that_were_sent_together(server: EmbeddedPostgres) -> None:
    async with opened_pool(server.url, size=2) as pool, pool.connection() as connection:
        with capture_logs() as logged:
            async with connection.pipelined():
                cursors = [await connection.execute(SLOW.format(name=name)) for name in ("first", "second")]
                for cursor in cursors:
                    await cursor.fetchall()
    assert slow_ones(logged)[-1] == "tests.first tests.second"


async def test_whoever_waits_gets_the_connection_that_comes_back(server: EmbeddedPostgres) -> None:
    async with opened_pool(server.url, size=1) as pool:
        first = await backend_of(pool)
        assert await asyncio.gather(*(backend_of(pool) for _ in range(5))) == [first] * 5


async def test_a_connection_left_inside_a_transaction_is_not_lent_again(server: EmbeddedPostgres) -> None:
    async with opened_pool(server.url, size=1) as pool:
        async with pool.connection() as connection:
            await connection.execute("BEGIN")
            first = connection.info.backend_pid
        assert await backend_of(pool) != first


async def test_a_closed_pool_lends_nothing_and_can_be_opened_again(server: EmbeddedPostgres) -> None:
    pool = Pool(server.url)
    with pytest.raises(Defect, match="not open"):
        await backend_of(pool)
    await pool.open()
    async with pool.connection() as lent:
        await pool.close()
        await lent.execute("SELECT 1")
    assert lent.closed
    await pool.open()
    assert await backend_of(pool) > 0
    await pool.close()


async def test_a_cancelled_statement_leaves_the_connection_usable(server: EmbeddedPostgres) -> None:
    async with opened_pool(server.url, size=1) as pool:
        first = await backend_of(pool)

        async def sleep() -> None:
            async with pool.connection() as connection:
                await connection.execute("SELECT pg_sleep(30)")

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(sleep(), timeout=0.1)
        assert await backend_of(pool) == first


async def test_a_statement_may_be_silent_for_longer_than_the_pools_patience(server: EmbeddedPostgres) -> None:
    async with opened_pool(server.url, size=2, patience=BRIEF) as pool, pool.connection() as connection:
        await connection.execute("SELECT pg_sleep(2)")
        assert connection.reusable


async def test_a_hung_server_ends_statements_and_is_used_again_when_it_goes_on(server: EmbeddedPostgres) -> None:
    async with opened_pool(server.url, size=3, patience=BRIEF) as pool:
        async with pool.connection() as connection, pool.connection() as resting:
            hang(server)
            with pytest.raises(StoreUnavailable):
                await connection.execute("SELECT 1")
            assert connection.closed
            with pytest.raises(StoreUnavailable):
                await resting.execute("SELECT 1")
        with pytest.raises(StoreUnavailable):
            await backend_of(pool)
        assert await PostgresHealth(pool).check() == {
            "database": "The database does not answer. Try again in a few seconds.",
            "schema": "unknown",
        }
        go_on(server)
        assert await answered_again(pool)


async def test_connections_that_rest_are_given_up_with_a_hung_server(server: EmbeddedPostgres) -> None:
    async with opened_pool(server.url, size=2, patience=BRIEF) as pool:
        async with pool.connection() as one:
            async with pool.connection() as resting:
                pass
            hang(server)
            with pytest.raises(StoreUnavailable):
                await one.execute("SELECT 1")
        assert resting.closed
        go_on(server)
        assert await answered_again(pool)


async def test_connections_that_rest_go_on_working_while_no_new_one_can_be_opened(server: EmbeddedPostgres) -> None:
    async with opened_pool(server.url, size=1, patience=BRIEF) as pool:
        first = await backend_of(pool)
        hang(server, only_postmaster=True)
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                async with pool.apart():
                    pass
        assert await backend_of(pool) == first
        async with pool.connection() as connection:
            with pytest.raises(StoreUnavailable):
                await connection.execute("SELECT pg_sleep(30)")


async def test_a_task_cancelled_under_a_hung_statement_ends(server: EmbeddedPostgres) -> None:
    async with opened_pool(server.url, size=2, patience=BRIEF) as pool:
        await backend_of(pool)
        hang(server)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(backend_of(pool), timeout=0.05)


async def test_connections_closed_by_the_server_are_not_lent(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_module, "RETRY_EVERY", 0.01)
    async with opened_pool(server.url, size=2) as pool:
        await backend_of(pool)
        kill(server)
        assert await other_trouble(pool, await trouble(pool)) is not None
        server.start()
        assert await answered_again(pool)


async def test_nobody_listening_and_nobody_answering_are_both_unavailable(silent_port: int) -> None:
    for url in (f"postgresql://ada@127.0.0.1:{silent_port}/news", "postgresql://ada@127.0.0.1:1/news"):
        async with opened_pool(url, size=2, patience=BRIEF) as pool:
            with pytest.raises(StoreUnavailable):
                await backend_of(pool)
