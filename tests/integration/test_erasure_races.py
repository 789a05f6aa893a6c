"""Erased between what somebody reads of a person and what they then write: nothing of it is written."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from uuid import UUID

import attrs
import pytest

from adapters_postgres.embedded import EmbeddedPostgres
from adapters_postgres.unit_of_work import PostgresUnitOfWork
from tests.support.contention import for_a_crowd, somebody_waits
from tests.support.databases import Database, migrated_database
from tests.support.dumps import naming
from tests.support.waiting import eventually
from zero2prod.testing.application import POLICY, assemble
from zero2prod.testing.builders import KEY, KEYS, evidence, number, origin, publication, sign_up, token_in
from zero2prod_core.application import Application
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.limits import NO_LIMITS, Rate
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER
from zero2prod_core.domain.origins import Actor, ActorKind
from zero2prod_core.domain.tokens import Purpose, token_text
from zero2prod_core.errors import Refusal, TokenUnknown
from zero2prod_core.usecases.limits import Admission

EMAIL = "Quincy.Ottoline@example.com"
QUINCY = EmailAddress.parse(EMAIL)
TRACES = ("quincy", "ottoline", "wilhelmina", "203.0.113.77", "zebra")

HERS = attrs.evolve(evidence(), origin=origin(network_address="203.0.113.77", user_agent="Zebra browser 9"))
STAFF = origin(actor=Actor(ActorKind.ACCOUNT, "7"))

MANY = Rate.parse("1000000/d")
LIMITS = attrs.evolve(NO_LIMITS, confirmation=MANY)
"""What holds a cell of hers, and never refuses."""

WAITING = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""
LIVE_MAILS = "SELECT count(*) FROM deliveries WHERE state = 'pending'"
TOKENS = "SELECT count(*) FROM tokens"
MANAGING = "SELECT token_id FROM tokens WHERE purpose = 'manage'"

Act = Callable[[Application], Awaitable[object]]


@pytest.fixture(scope="module")
def store(postgres_server: EmbeddedPostgres) -> Iterator[Database]:
    with migrated_database(postgres_server, "erasure_races") as database:
        yield database


@pytest.fixture
async def crowd(store: Database) -> AsyncIterator[PostgresUnitOfWork]:
    async with for_a_crowd(store) as uow:
        yield uow


@pytest.fixture
def application(crowd: PostgresUnitOfWork) -> Application:
    return assemble(crowd, attrs.evolve(POLICY, limits=LIMITS))


def asked(store: Database, question: str) -> int:
    ((value,),) = store.superuser.execute(question).fetchall()
    return int(value)


async def sign_on(application: Application, *, confirmed: bool = True) -> str:
    """Returns the token of the confirmation mail."""
    await application.subscribe(attrs.evolve(sign_up(EMAIL, "Wilhelmina"), evidence=HERS))
    (mail,) = (await application.deliveries.claim("worker", 100, urgent=True)).parcels
    token = token_in(mail.slots["confirmation.link"])
    if confirmed:
        await application.confirm(token, HERS)
    return token


async def reader(crowd: PostgresUnitOfWork) -> UUID:
    async with crowd.reading() as tx:
        return (await tx.subscribers.of_email(QUINCY))[0].id


async def overtaken(store: Database, crowd: PostgresUnitOfWork, application: Application, act: Act) -> None:
    """Do this, and have her erased while it waits for the cells of her mailbox."""
    admission = Admission(KEYS, LIMITS)
    async with crowd() as tx:
        await admission.hold(tx, [*admission.link(QUINCY), *admission.mail(DEFAULT_NEWSLETTER, QUINCY)])
        acting = asyncio.ensure_future(act(application))
        await somebody_waits(store)
        await asyncio.create_task(application.people.erase(STAFF, QUINCY))
    with suppress(Refusal):
        await acting


def nothing_is_left(store: Database) -> bool:
    return naming(store, TRACES) == [] and asked(store, LIVE_MAILS) == asked(store, TOKENS) == 0


class TestErasedWhileWhoeverAsksWaits:
    async def test_no_link_is_mailed_to_an_email_address(
        self, store: Database, crowd: PostgresUnitOfWork, application: Application
    ) -> None:
        await sign_on(application)
        await overtaken(store, crowd, application, lambda app: app.preferences.ask_link_by_email(QUINCY, HERS))
        assert nothing_is_left(store)

    async def test_no_link_is_mailed_to_an_issues_reader(
        self, store: Database, crowd: PostgresUnitOfWork, application: Application
    ) -> None:
        await sign_on(application)
        await application.publish(publication(key=f"key {number()}"), STAFF)
        link = token_text(KEY, Purpose.PREFERENCES, await reader(crowd))
        await overtaken(store, crowd, application, lambda app: app.preferences.ask_link(link, HERS))
        assert nothing_is_left(store)

    async def test_no_sign_up_is_asked_for_again(
        self, store: Database, crowd: PostgresUnitOfWork, application: Application
    ) -> None:
        token = await sign_on(application, confirmed=False)
        await overtaken(store, crowd, application, lambda app: app.ask_again(token, HERS))
        assert nothing_is_left(store)

    async def test_no_confirmation_is_sent_again(
        self, store: Database, crowd: PostgresUnitOfWork, application: Application
    ) -> None:
        await sign_on(application, confirmed=False)
        id_ = await reader(crowd)
        await overtaken(store, crowd, application, lambda app: app.people.resend_confirmation(STAFF, id_))
        assert nothing_is_left(store)


async def managing(store: Database, application: Application) -> str:
    """The link that was mailed to her."""
    await application.preferences.ask_link_by_email(QUINCY, HERS)
    ((id_,),) = store.superuser.execute(MANAGING).fetchall()
    return token_text(KEY, Purpose.MANAGE, id_)


async def test_what_is_given_out_is_on_record_before_she_is_erased_or_not_at_all(
    store: Database, application: Application
) -> None:
    await sign_on(application)
    link = await managing(store, application)

    async def wait(number: int) -> bool:
        store.superuser.execute("SELECT pg_stat_clear_snapshot()")
        return asked(store, WAITING) >= number

    with store.superuser.transaction():
        store.superuser.execute("LOCK TABLE newsletters")  # in the middle of what is read of her
        giving = asyncio.ensure_future(application.preferences.data(link, HERS))
        assert await eventually(lambda: wait(1))
        erasing = asyncio.create_task(application.people.erase(STAFF, QUINCY))

        async def is_erased_or_waits() -> bool:
            return erasing.done() or await wait(2)

        assert await eventually(is_erased_or_waits)
    with suppress(Refusal):
        await giving
    assert await erasing == 1
    assert naming(store, TRACES) == []


async def test_of_two_who_erase_themselves_at_once_the_second_is_unknown(
    store: Database, crowd: PostgresUnitOfWork, application: Application
) -> None:
    for _ in range(5):
        await sign_on(application)
        link = await managing(store, application)
        ended = await asyncio.gather(
            *(application.preferences.erase(link, HERS) for _ in range(4)), return_exceptions=True
        )
        assert sorted(str(type(each).__name__) for each in ended) == ["NoneType", *[TokenUnknown.__name__] * 3]
        assert naming(store, TRACES) == []
