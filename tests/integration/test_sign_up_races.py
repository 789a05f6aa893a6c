"""Many at once for one e-mail address: one row, one mail, one confirmation, and nobody waits for another forever."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from uuid import UUID

import attrs
import pytest

from adapters_postgres.embedded import EmbeddedPostgres
from adapters_postgres.pool import Pool
from adapters_postgres.unit_of_work import PostgresUnitOfWork
from tests.support.contention import deadlocks
from tests.support.databases import Database, migrated_database
from tests.support.dumps import naming
from tests.support.http import Browser, browsing
from tests.support.pools import opened_pool
from tests.support.ports import free_port
from tests.support.services import Installation
from zero2prod.testing.application import POLICY, assemble
from zero2prod.testing.builders import KEY, KEYS, evidence, number, origin, publication, sign_up, token_in
from zero2prod_core.application import Application
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.keys import Key, KeyRing
from zero2prod_core.domain.limits import NO_LIMITS, Limits, Rate
from zero2prod_core.domain.origins import Actor, ActorKind
from zero2prod_core.domain.suppressions import digest
from zero2prod_core.domain.tokens import Purpose, token_text
from zero2prod_core.errors import Refusal
from zero2prod_core.ports.store import Transaction

EMAIL = "Quincy.Ottoline@example.com"
QUINCY = EmailAddress.parse(EMAIL)
NAME = "Wilhelmina"

AT_ONCE = 50

VICTIM = "victim@example.com"
STRANGERS = 1000
MOST_MAILS = 3

NEWER = Key("newer", bytes(range(32, 64)))
ROTATED = KeyRing((NEWER, KEY))
"""What both processes of a storm know, after a rotation."""

TIMES = 12
"""How often each actor of a storm acts: some 300 transactions for one person."""

STAFF = origin(actor=Actor(ActorKind.ACCOUNT, "7"))

# Nobody sends mail here, and a mistake that does so shall fail at once.
NOBODY_LISTENS = 1

MANY = Rate.parse("1000000/d")

GENEROUS = attrs.evolve(NO_LIMITS, confirmation=MANY, notice=MANY, email=MANY)
"""Limits that nobody reaches: what they hold for each e-mail address lets one sign-up of it in after the other."""

OF_THE_MAILBOX = Limits(sign_up_network=None, sign_up_site=None, sign_up_total=None)
"""What protects a mailbox, without what holds off its visitors."""

SUBSCRIPTIONS = "SELECT count(*) FROM subscriptions"
MAILS = "SELECT count(*) FROM deliveries"
STATUSES = "SELECT status FROM subscriptions"
CONFIRMED = "SELECT count(*) FROM consent WHERE kind = 'confirmed'"
TRANSITIONS = "SELECT count(*) FROM audit_events WHERE action = 'subscriber_confirmed'"
TOKENS = "SELECT token_id FROM tokens WHERE purpose = 'confirm'"
TWICE = "SELECT email_key, newsletter_id FROM subscriptions GROUP BY 1, 2 HAVING count(*) > 1"
READERS = "SELECT id FROM subscriptions"
REASONS = "SELECT DISTINCT reason FROM suppressions"

# Rows that somebody else holds are left alone, so that the test itself is in nobody's way.
AGE = """
UPDATE sign_up_rounds SET opened_at = opened_at - interval '31 days'
WHERE round_id IN (SELECT round_id FROM sign_up_rounds FOR UPDATE SKIP LOCKED)
"""
ROTATE_BACK = """
UPDATE subscriptions SET email_digest_key = %s, email_digest = %s
WHERE id IN (SELECT id FROM subscriptions FOR UPDATE SKIP LOCKED)
"""


@pytest.fixture(scope="module")
def database(postgres_server: EmbeddedPostgres) -> Iterator[Database]:
    with migrated_database(postgres_server, "sign_up_races") as made:
        yield made


def asked(database: Database, question: str) -> list[object]:
    """The only column of an answer."""
    return [value for (value,) in database.superuser.execute(question).fetchall()]


@asynccontextmanager
async def two_pools(
    database: Database, limits: Limits = NO_LIMITS, keys: Sequence[KeyRing] = (KEYS, KEYS)
) -> AsyncIterator[Sequence[Application]]:
    """The core as two processes have it, over the emptied database."""
    database.empty()
    async with AsyncExitStack() as stack:
        pools = [await stack.enter_async_context(opened_pool(database.url)) for _ in keys]
        policy = attrs.evolve(POLICY, limits=limits)
        yield [assemble(PostgresUnitOfWork(pool), policy, ring) for pool, ring in zip(pools, keys, strict=True)]


@contextmanager
def two_sites(database: Database, **settings: object) -> Iterator[tuple[int, int]]:
    """Two processes that serve the emptied database, by their ports."""
    database.empty()
    first = Installation.over(database.url, NOBODY_LISTENS, **settings)
    second = Installation({**first.settings, "HTTP_PORT": free_port()})
    with first.serving(), second.serving():
        yield first.port, second.port


def is_one_sign_up(database: Database) -> bool:
    return asked(database, SUBSCRIPTIONS) == asked(database, MAILS) == [1]


def is_one_confirmation(database: Database) -> bool:
    return asked(database, STATUSES) == ["confirmed"] and asked(database, CONFIRMED) == asked(
        database, TRANSITIONS
    ) == [1]


def the_link(database: Database) -> str:
    """The token of the one confirmation mail."""
    (id_,) = database.superuser.execute(TOKENS).fetchall()[0]
    return token_text(KEY, Purpose.CONFIRM, id_)


class TestInTheCore:
    async def test_fifty_sign_ups_of_one_email_address_are_one_row_and_one_mail(self, database: Database) -> None:
        async with two_pools(database, OF_THE_MAILBOX) as applications:
            await asyncio.gather(
                *(applications[each % 2].subscribe(sign_up(EMAIL, f"Ada {each}")) for each in range(AT_ONCE))
            )
        assert is_one_sign_up(database)

    async def test_fifty_confirmations_by_one_link_are_one_transition(self, database: Database) -> None:
        async with two_pools(database) as applications:
            await applications[0].subscribe(sign_up(EMAIL))
            token = the_link(database)
            await asyncio.gather(*(applications[each % 2].confirm(token, evidence()) for each in range(AT_ONCE)))
        assert is_one_confirmation(database)


@pytest.mark.alone
class TestOverHttp:
    async def test_fifty_sign_ups_and_fifty_confirmations_at_two_processes(self, database: Database) -> None:
        limits = {"LIMITS_ENABLED": True, "LIMITS_SIGN_UP_NETWORK": "off", "LIMITS_SIGN_UP_TOTAL": "off"}
        with two_sites(database, **limits) as ports:
            async with browsing(ports[0]) as one, browsing(ports[1]) as other:
                assert await statuses(one, other, "/subscriptions", {"name": NAME, "email": EMAIL}) == {200: AT_ONCE}
                assert is_one_sign_up(database)
                link = {"subscription_token": the_link(database)}
                assert await statuses(one, other, "/subscriptions/confirm", link) == {200: AT_ONCE}
        assert is_one_confirmation(database)

    async def test_a_thousand_strangers_at_as_many_network_addresses_send_three_mails(self, database: Database) -> None:
        settings = {
            "LIMITS_ENABLED": True,
            "LIMITS_CONFIRMATION": "off",
            "LIMITS_SIGN_UP_TOTAL": f"{STRANGERS // 2}/d",
            "HTTP_TRUSTED_PROXIES": "127.0.0.1/32",
        }
        with two_sites(database, **settings) as ports:
            async with browsing(ports[0]) as one, browsing(ports[1]) as other:
                told = await a_mob(one, other)
        assert told.keys() == {200, 429}
        assert told.total() == STRANGERS
        assert asked(database, SUBSCRIPTIONS) == [1]
        ((mails,),) = database.superuser.execute(MAILS).fetchall()
        assert 1 <= mails <= MOST_MAILS


async def statuses(one: Browser, other: Browser, path: str, form: dict[str, str]) -> Counter[int]:
    """What fifty are told who send the same at once, every other one to the other process."""
    answers = await asyncio.gather(*((one, other)[each % 2].post(path, form) for each in range(AT_ONCE)))
    return Counter(answer.status for answer in answers)


async def a_mob(one: Browser, other: Browser) -> Counter[int]:
    """What strangers are told who each sign the victim up, each from a network of their own."""
    form = {"name": "Eve", "email": VICTIM}
    answers = await asyncio.gather(
        *(
            (one, other)[each % 2].post("/subscriptions", form, {"X-Forwarded-For": f"198.18.{each >> 8}.{each & 255}"})
            for each in range(STRANGERS)
        )
    )
    return Counter(answer.status for answer in answers)


@attrs.frozen
class Actors:
    """Whoever does something to one person, each again and again; a refusal is an answer like any other."""

    application: Application
    database: Database

    async def again(self, act: Callable[[], Awaitable[object]]) -> None:
        for _ in range(TIMES):
            try:
                await act()
            except Refusal:
                continue

    async def signs_up(self) -> None:
        await self.application.subscribe(sign_up(EMAIL, f"{NAME} {number()}"))

    async def signs_up_for_several(self) -> None:
        asked = [sign_up(EMAIL, newsletter=slug) for slug in ("weekly", "default", "weekly")]
        assert all(isinstance(each, Refusal | None) for each in await self.application.subscribe_batch(asked))

    async def confirms(self) -> None:
        for parcel in (await self.application.deliveries.claim("worker", 10, urgent=True)).parcels:
            if link := parcel.slots.get("confirmation.link"):
                await self.application.confirm(token_in(link), evidence())

    async def unsubscribes(self) -> None:
        for id_ in await self._readers():
            await self.application.unsubscribe(token_text(KEY, Purpose.UNSUBSCRIBE, id_), evidence())

    async def leaves_everything(self) -> None:
        for id_ in await self._readers():
            link = token_text(NEWER, Purpose.PREFERENCES, id_)
            await self.application.preferences.unsubscribe(link, evidence(), everywhere=True)

    async def asks_for_a_link(self) -> None:
        await self.application.preferences.ask_link_by_email(QUINCY, evidence())

    async def is_erased(self) -> None:
        await self.application.people.erase(STAFF, QUINCY)

    async def complains(self) -> None:
        await self.application.people.complain(STAFF, QUINCY)

    async def is_lifted(self) -> None:
        await self.application.people.lift(STAFF, QUINCY, "She rang")

    async def is_mailed_again(self) -> None:
        for id_ in await self._readers():
            await self.application.people.resend_confirmation(STAFF, id_)

    async def is_shown(self) -> None:
        await self.application.people.find(STAFF, EMAIL)

    async def digests_are_rewritten(self) -> None:
        older = digest(KEY, QUINCY)
        await asyncio.to_thread(self.database.superuser.execute, ROTATE_BACK, [older.key_id, older.value])
        await self.application.jobs.rewrite_digests()

    async def rounds_lapse(self) -> None:
        await asyncio.to_thread(self.database.superuser.execute, AGE)
        await self.application.jobs.lapse_rounds()

    async def deliveries_are_cancelled(self) -> None:
        await self.application.jobs.cancel_deliveries()
        await self.application.jobs.expire_leases()

    async def _readers(self) -> Sequence[UUID]:
        rows = await asyncio.to_thread(lambda: self.database.superuser.execute(READERS).fetchall())
        return [id_ for (id_,) in rows]

    @property
    def busy(self) -> Sequence[Callable[[], Awaitable[object]]]:
        """What happens without anybody wanting to let the person be mailed again who was not to be."""
        return [
            self.signs_up,
            self.signs_up_for_several,
            self.confirms,
            self.unsubscribes,
            self.leaves_everything,
            self.asks_for_a_link,
            self.is_erased,
            self.complains,
            self.is_mailed_again,
            self.is_shown,
            self.digests_are_rewritten,
            self.rounds_lapse,
            self.deliveries_are_cancelled,
        ]


async def storm(database: Database, applications: Sequence[Application], *, lifted: bool) -> None:
    """Everything that can happen to one person, all at once, in two processes."""
    async with asyncio.TaskGroup() as tasks:
        for application in applications:
            actors = Actors(application, database)
            for act in [*actors.busy, *([actors.is_lifted] if lifted else [])]:
                tasks.create_task(actors.again(act))


ROTATING = KeyRing((KEY, NEWER))
"""What a process lists that goes on using the old key."""


class Hesitant:
    """A way into the store whose next transaction commits when it is told to."""

    def __init__(self, pool: Pool) -> None:
        self._uow = PostgresUnitOfWork(pool)
        self.reached, self.go_on = asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[Transaction]:
        async with self._uow() as tx:
            yield tx
            self.reached.set()
            await self.go_on.wait()

    def reading(self) -> AbstractAsyncContextManager[Transaction]:
        return self._uow.reading()


@asynccontextmanager
async def hesitating(database: Database) -> AsyncIterator[Hesitant]:
    async with opened_pool(database.url, size=1) as pool:
        yield Hesitant(pool)


async def imported(application: Application) -> None:
    await application.people.import_suppressions(STAFF, [EMAIL])


async def kept_away(application: Application) -> None:
    await application.people.suppress(STAFF, QUINCY)


@pytest.mark.parametrize("suppressed", [imported, kept_away])
@pytest.mark.parametrize(("signing", "keeping"), [(ROTATED, ROTATING), (ROTATING, ROTATED)])
async def test_whoever_is_suppressed_while_signing_up_under_another_key_gets_no_issue(
    database: Database,
    suppressed: Callable[[Application], Awaitable[None]],
    signing: KeyRing,
    keeping: KeyRing,
) -> None:
    async with two_pools(database, keys=(signing, keeping)) as (one, other), hesitating(database) as hesitant:
        asking = asyncio.ensure_future(assemble(hesitant, POLICY, signing).subscribe(sign_up(EMAIL)))
        await hesitant.reached.wait()
        await suppressed(other)
        hesitant.go_on.set()
        await asking
        ((id_,),) = database.superuser.execute(TOKENS).fetchall()
        await one.confirm(token_text(signing.newest, Purpose.CONFIRM, id_), evidence())
        assert asked(database, STATUSES) == ["confirmed"]
        assert (await one.publish(publication(), STAFF)).audience == 0


def traces(database: Database) -> list[str]:
    """The tables in which she is named."""
    return naming(database, ("quincy", "ottoline", NAME.lower()))


@pytest.mark.alone
class TestAStorm:
    async def test_nobody_waits_for_one_another_forever(self, database: Database) -> None:
        before = deadlocks(database)
        async with two_pools(database, GENEROUS, (ROTATED, ROTATED)) as applications:
            await applications[0].create_newsletter(STAFF, "weekly", "Weekly")
            await storm(database, applications, lifted=True)
            await applications[1].people.erase(STAFF, QUINCY)
        assert deadlocks(database) == before
        assert asked(database, TWICE) == []
        assert traces(database) == []
        assert "erasure" in asked(database, REASONS)

    async def test_what_keeps_mail_away_outlasts_it(self, database: Database) -> None:
        async with two_pools(database, GENEROUS, (ROTATED, ROTATED)) as applications:
            await applications[0].create_newsletter(STAFF, "weekly", "Weekly")
            await applications[0].people.suppress(STAFF, QUINCY, "She wrote")
            await storm(database, applications, lifted=False)
            await applications[0].people.erase(STAFF, QUINCY)
            await applications[1].subscribe(sign_up(EMAIL))
            assert (await applications[1].deliveries.claim("worker", 10, urgent=True)).parcels == ()
        assert {"manual", "complaint", "erasure"} <= set(asked(database, REASONS))
        assert asked(database, MAILS) == [0]
