"""Limits that several processes share, and what they keep from a victim."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import attrs
import pytest

from adapters_memory import InMemoryUnitOfWork
from adapters_postgres.embedded import EmbeddedPostgres
from adapters_postgres.unit_of_work import PostgresUnitOfWork
from tests.support.databases import Database, migrated_database
from tests.support.http import Browser, browsing
from tests.support.pools import opened_pool
from tests.support.ports import free_port
from tests.support.services import Installation
from zero2prod.testing.application import POLICY, assemble
from zero2prod.testing.builders import number, origin, sign_up
from zero2prod_core.application import Application
from zero2prod_core.domain.limits import Limits
from zero2prod_core.domain.subscribers import SignUp
from zero2prod_core.ports.store import UnitOfWork

SIGN_UPS = 1000
NEWSLETTERS = 5
AT_ONCE = 100
MOST_MAILS = 3

ALLOWED = 50
FEW, MANY = 10, 50

# Nobody sends mail here, and a mistake that does so shall fail at once.
NOBODY_LISTENS = 1

WRITTEN = "SELECT count(*) FROM subscriptions"
EVENTS = "SELECT sum((after->>'refused')::int) FROM audit_events WHERE action = 'excess_rate_limit_exceeded'"
OLDER = "UPDATE limit_refusals SET minute = minute - interval '5 minutes'"


@pytest.fixture(scope="module")
def database(postgres_server: EmbeddedPostgres) -> Iterator[Database]:
    with migrated_database(postgres_server, "limits") as made:
        yield made


def limited(uow: UnitOfWork) -> Application:
    """The core with the limits that it has by itself, but for the one that would end the test of the others."""
    return assemble(uow, attrs.evolve(POLICY, limits=Limits(sign_up_total=None)))


@asynccontextmanager
async def over_memory(_: Database) -> AsyncIterator[Application]:
    yield limited(InMemoryUnitOfWork())


@asynccontextmanager
async def over_postgres(database: Database) -> AsyncIterator[Application]:
    database.empty()
    async with opened_pool(database.url, size=4) as pool:
        yield limited(PostgresUnitOfWork(pool))


def from_network(place: int, newsletter: str) -> SignUp:
    """A stranger's sign-up for the victim, from a network that nobody else has."""
    asked = sign_up("victim@example.com", newsletter=newsletter)
    at = attrs.evolve(origin(), network_address=f"2001:db8:{place:x}::1")
    return attrs.evolve(asked, evidence=attrs.evolve(asked.evidence, origin=at))


@pytest.mark.parametrize("over", [over_memory, over_postgres])
async def test_a_thousand_sign_ups_for_one_victim_from_as_many_networks_send_three_mails(
    over: Callable[[Database], AbstractAsyncContextManager[Application]], database: Database
) -> None:
    async with over(database) as application:
        slugs = [f"letter-{place}" for place in range(NEWSLETTERS)]
        for slug in slugs:
            await application.create_newsletter(origin(), slug, slug)
        asked = [from_network(place, slugs[place % NEWSLETTERS]) for place in range(SIGN_UPS)]
        batches = [asked[start : start + AT_ONCE] for start in range(0, SIGN_UPS, AT_ONCE)]
        answers = await asyncio.gather(*(application.subscribe_batch(batch) for batch in batches))
        assert {answer for batch in answers for answer in batch} == {None}, "somebody was told"
        mails = (await application.deliveries.claim("worker", SIGN_UPS, urgent=True)).parcels
        assert 1 <= len(mails) <= MOST_MAILS


async def statuses(count: int, *browsers: Browser) -> Counter[int]:
    """Of so many sign-ups of different people at each browser, all at once."""
    answers = await asyncio.gather(
        *(
            browser.post("/subscriptions", {"name": "Ada", "email": f"reader-{number()}@example.com"})
            for browser in browsers
            for _ in range(count)
        )
    )
    return Counter(answer.status for answer in answers)


@pytest.mark.alone
async def test_two_processes_share_one_limit_and_their_refusals_become_one_event(database: Database) -> None:
    database.empty()
    limits = {"LIMITS_ENABLED": True, "LIMITS_SIGN_UP_NETWORK": f"{ALLOWED}/d", "LIMITS_RECIPIENT_DOMAIN": "off"}
    first = Installation.over(database.url, NOBODY_LISTENS, **limits)
    second = Installation({**first.settings, "HTTP_PORT": free_port()})
    with first.serving(), second.serving():
        async with browsing(first.port) as one, browsing(second.port) as two:
            assert await statuses(FEW, one, two) == {200: 2 * FEW}
            told = await statuses(MANY, one, two)
            assert [(await statuses(1, each)).keys() for each in (one, two)] == [{429}] * 2
    ((written,),) = database.superuser.execute(WRITTEN).fetchall()
    assert written == 2 * FEW + told[200]
    assert abs(written - ALLOWED) <= 1
    database.superuser.execute(OLDER)
    assert first.run("worker", "--drain").returncode in (0, 1)
    assert database.superuser.execute(EVENTS).fetchall() == [(told[429] + 2,)]
