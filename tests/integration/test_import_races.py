"""Lists of whom not to mail that are imported at the same time, over PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from adapters_postgres.embedded import EmbeddedPostgres
from adapters_postgres.unit_of_work import PostgresUnitOfWork
from tests.support.contention import deadlocks, for_a_crowd
from tests.support.databases import Database, migrated_database
from zero2prod.testing.application import assemble
from zero2prod.testing.builders import KEY, origin
from zero2prod_core.domain.keys import Key, KeyRing
from zero2prod_core.usecases.suppression_lists import IMPORTED_AT_ONCE

ROTATED = KeyRing((Key("newer", bytes(range(32, 64))), KEY))
LINES = 2 * IMPORTED_AT_ONCE

SUPPRESSED = "SELECT count(*) FROM suppressions WHERE email_digest_key = %s"


@pytest.fixture(scope="module")
def store(postgres_server: EmbeddedPostgres) -> Iterator[Database]:
    with migrated_database(postgres_server, "import_races") as database:
        yield database


@pytest.fixture
async def crowd(store: Database) -> AsyncIterator[PostgresUnitOfWork]:
    async with for_a_crowd(store) as uow:
        yield uow


@pytest.mark.parametrize("keys", [KeyRing((KEY,)), ROTATED], ids=["one key", "rotated"])
async def test_the_same_list_from_both_ends_at_once_is_imported_once(
    store: Database, crowd: PostgresUnitOfWork, keys: KeyRing
) -> None:
    application, before = assemble(crowd, keys=keys), deadlocks(store)
    lines = [f"reader{number}@example.com" for number in range(LINES)]
    import_ = application.people.import_suppressions
    done = await asyncio.gather(import_(origin(), lines), import_(origin(), reversed(lines)))
    assert [each.added + each.known for each in done] == [LINES] * 2
    assert store.superuser.execute(SUPPRESSED, [keys.newest.id]).fetchall() == [(LINES,)]
    assert deadlocks(store) == before
