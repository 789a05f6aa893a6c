"""Readers who press several buttons at once, over PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from adapters_postgres.embedded import EmbeddedPostgres
from adapters_postgres.unit_of_work import PostgresUnitOfWork
from tests.support.contention import deadlocks, for_a_crowd
from tests.support.databases import Database, migrated_database
from zero2prod.testing.application import assemble
from zero2prod.testing.builders import KEYS, email, evidence, origin, subscriber
from zero2prod_core.domain.consent import ConsentKind
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER
from zero2prod_core.domain.subscribers import Status, Subscriber
from zero2prod_core.domain.tokens import Purpose, token_text

ROUNDS = 10


@pytest.fixture(scope="module")
def store(postgres_server: EmbeddedPostgres) -> Iterator[Database]:
    with migrated_database(postgres_server, "preferences") as database:
        yield database


@pytest.fixture
async def crowd(store: Database) -> AsyncIterator[PostgresUnitOfWork]:
    async with for_a_crowd(store) as uow:
        yield uow


async def reading_twice(uow: PostgresUnitOfWork, number: int) -> list[Subscriber]:
    """An e-mail address with two newsletters."""
    other = await assemble(uow).create_newsletter(origin(), f"other-{number}", "The other")
    where = email(f"reader{number}@example.com")
    readers = [subscriber(where, newsletter=id_) for id_ in (DEFAULT_NEWSLETTER.id, other.id)]
    async with uow() as tx:
        await tx.subscribers.claim_batch(readers)
    return readers


async def test_leaving_everywhere_by_every_link_at_once_is_done_once(
    crowd: PostgresUnitOfWork, store: Database
) -> None:
    leave, before = assemble(crowd).preferences.unsubscribe, deadlocks(store)
    for number in range(ROUNDS):
        readers = await reading_twice(crowd, number)
        links = [token_text(KEYS.newest, Purpose.PREFERENCES, reader.id) for reader in readers]
        await asyncio.gather(*(leave(link, evidence(), everywhere=True) for link in links * 4))
        async with crowd.reading() as tx:
            found = await tx.subscribers.of_email(readers[0].email)
            records = [record.kind for reader in readers for record in await tx.consent.of([reader.id])]
        assert [each.status for each in found] == [Status.UNSUBSCRIBED] * 2
        assert records == [ConsentKind.WITHDRAWN] * 2
    assert deadlocks(store) == before


async def test_a_link_that_is_asked_for_by_many_at_once_is_mailed_to_each_of_them(crowd: PostgresUnitOfWork) -> None:
    (reader, _), application = await reading_twice(crowd, 0), assemble(crowd)
    await asyncio.gather(*(application.preferences.ask_link_by_email(reader.email, evidence()) for _ in range(12)))
    assert len((await application.deliveries.claim("test", 100, urgent=True)).parcels) == 12
