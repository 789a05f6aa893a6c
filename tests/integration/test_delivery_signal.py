"""Waking workers through a server that may go away."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from adapters_postgres.embedded import EmbeddedPostgres
from adapters_postgres.pool import Pool
from adapters_postgres.signal import PostgresDeliverySignal
from adapters_postgres.unit_of_work import PostgresUnitOfWork
from tests.support.databases import Database, migrated_database
from tests.support.pools import opened_pool
from tests.support.waiting import PATIENCE, eventually
from zero2prod.testing.builders import delivery
from zero2prod.testing.ledger import Ledger

LISTENING = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"

FOREVER = 600.0
"""Seconds: longer than a test may last, so that a wait that ends was ended by what the test did."""


@pytest.fixture(scope="module")
def store(postgres_server: EmbeddedPostgres) -> Iterator[Database]:
    with migrated_database(postgres_server, "signals") as database:
        yield database


@pytest.fixture
async def pool(store: Database) -> AsyncIterator[Pool]:
    store.empty()
    async with opened_pool(store.url, size=2) as pool:
        yield pool


@pytest.fixture
async def signals(pool: Pool) -> AsyncIterator[list[PostgresDeliverySignal]]:
    signals = [PostgresDeliverySignal(pool) for _ in range(2)]
    yield signals
    for signal in signals:
        await signal.close()


def listening(store: Database) -> list[int]:
    return [pid for (pid,) in store.superuser.execute(LISTENING).fetchall()]


async def so_many_listen(store: Database, count: int) -> bool:
    async def they_do() -> bool:
        return len(listening(store)) == count

    return await eventually(they_do)


async def enqueue(pool: Pool) -> None:
    ledger = Ledger(PostgresUnitOfWork(pool))
    words, (reader,) = await ledger.letter(), await ledger.readers(1)
    await ledger.enqueue(delivery(words, reader))


async def test_every_worker_is_woken(store: Database, pool: Pool, signals: list[PostgresDeliverySignal]) -> None:
    waiting = [asyncio.create_task(signal.wait(FOREVER)) for signal in signals]
    assert await so_many_listen(store, 2)
    await enqueue(pool)
    done, _ = await asyncio.wait(waiting, timeout=PATIENCE)
    assert len(done) == 2


async def test_what_is_enqueued_between_two_waits_ends_the_second(
    pool: Pool, signals: list[PostgresDeliverySignal]
) -> None:
    await signals[0].wait(0)
    await enqueue(pool)
    waiting = asyncio.create_task(signals[0].wait(FOREVER))
    assert await asyncio.wait({waiting}, timeout=PATIENCE) == ({waiting}, set())


async def test_a_lost_connection_is_replaced_and_ends_the_wait(
    store: Database, pool: Pool, signals: list[PostgresDeliverySignal]
) -> None:
    waiting = asyncio.create_task(signals[0].wait(FOREVER))
    assert await so_many_listen(store, 1)
    (lost,) = listening(store)
    store.superuser.execute("SELECT pg_terminate_backend(%s)", [lost])
    assert await asyncio.wait({waiting}, timeout=PATIENCE) == ({waiting}, set())
    assert lost not in listening(store)
    again = asyncio.create_task(signals[0].wait(FOREVER))
    await enqueue(pool)
    assert await asyncio.wait({again}, timeout=PATIENCE) == ({again}, set())


async def test_a_server_that_is_away_is_no_error(tmp_path: Path) -> None:
    pool = Pool(f"postgresql:///nothing?host={tmp_path}")
    await pool.open()
    signal = PostgresDeliverySignal(pool)
    for seconds in (0.0, 0.01, 0.05):
        waiting = asyncio.create_task(signal.wait(seconds))
        assert await asyncio.wait({waiting}, timeout=PATIENCE) == ({waiting}, set())
        assert waiting.exception() is None
    await signal.close()
    await pool.close()
