"""What a person at a terminal is told besides the result."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import psycopg
import pytest

from adapters_postgres.embedded import EmbeddedPostgres
from adapters_postgres.slowness import SLOW
from tests.support.contention import somebody_waits
from tests.support.databases import Database, migrated_database
from tests.support.services import Installation

# No command here sends mail, and a mistake that does so shall fail at once.
NOBODY_LISTENS = 1


@pytest.fixture(scope="module")
def store(postgres_server: EmbeddedPostgres) -> Iterator[Database]:
    with migrated_database(postgres_server, "terminal") as database:
        yield database


@asynccontextmanager
async def in_the_way(store: Database) -> AsyncIterator[None]:
    """Somebody has the table of newsletters for themselves, until it is waited for too long."""
    async with await psycopg.AsyncConnection.connect(store.url) as other:
        await other.execute("LOCK TABLE newsletters")
        yield
        await somebody_waits(store)
        await asyncio.sleep(2 * SLOW)


async def test_what_took_long_is_no_news_to_who_waited(store: Database) -> None:
    house = Installation.over(store.url, NOBODY_LISTENS)
    async with asyncio.TaskGroup() as tasks, in_the_way(store):
        command = tasks.create_task(asyncio.to_thread(house.run, "newsletters", "list"))
    assert (command.result().returncode, command.result().stderr) == (0, "")
