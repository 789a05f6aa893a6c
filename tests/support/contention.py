"""What PostgreSQL says of those who want the same rows at the same time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adapters_postgres.unit_of_work import PostgresUnitOfWork
from tests.support.databases import Database
from tests.support.pools import opened_pool
from tests.support.waiting import eventually

WAITING = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""

DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


@asynccontextmanager
async def for_a_crowd(store: Database) -> AsyncIterator[PostgresUnitOfWork]:
    """The emptied database, with connections for a dozen at once."""
    store.empty()
    async with opened_pool(store.url, size=12) as pool:
        yield PostgresUnitOfWork(pool)


async def somebody_waits(store: Database) -> None:
    """Return when a connection waits for a lock."""

    async def waits() -> bool:
        return bool(store.superuser.execute(WAITING).fetchall()[0][0])

    assert await eventually(waits)


def deadlocks(store: Database) -> int:
    """How many transactions have been ended since the database was made, as each waited for another."""
    store.superuser.execute("SELECT pg_stat_clear_snapshot()")
    return int(store.superuser.execute(DEADLOCKS).fetchall()[0][0])
