"""After an erasure nothing in the database tells who it was: the whole of it is written out and searched."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from uuid import UUID

import attrs
import pytest

from adapters_postgres.embedded import EmbeddedPostgres
from adapters_postgres.unit_of_work import PostgresUnitOfWork
from tests.support.databases import Database, migrated_database
from tests.support.dumps import contents, readable, tables
from tests.support.pools import opened_pool
from zero2prod.testing.application import assemble
from zero2prod.testing.builders import evidence, number, origin, publication, sign_up, token_in
from zero2prod_core.application import Application
from zero2prod_core.domain.deliveries import Outcome, Reply, Scope, SenderFault, Throttled
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.issues import IssueState
from zero2prod_core.domain.origins import Actor, ActorKind
from zero2prod_core.domain.replies import Phase, outcome_of
from zero2prod_core.domain.subscribers import Status
from zero2prod_core.errors import Refusal
from zero2prod_core.ports.mailer import Parcel
from zero2prod_core.ports.store import UnitOfWork

EMAIL = "Quincy.Ottoline@example.com"
NAME = "Wilhelmina Featherstone"
ALIAS = "Persephone"
"""Another name, which she gave with a second sign-up."""

TRACES = (
    "quincy.ottoline",
    "quincy",
    "ottoline",
    "wilhelmina",
    "featherstone",
    "persephone",
    "203.0.113.77",
    "zebra browser",
)
"""Whatever would tell, in lower case: e-mail address, names, network address, browser."""

STAFF = origin(actor=Actor(ActorKind.ACCOUNT, "7"), network_address="192.0.2.7", user_agent="An office")
HERS = attrs.evolve(
    evidence(),
    origin=origin(network_address="203.0.113.77", user_agent="Zebra browser 9", request_id="request-of-hers"),
)


def dump(database: Database) -> dict[str, str]:
    """Every table as text, in lower case, with what is binary read as text."""
    return {name: readable(contents(database, name)).lower() for name in tables(database)}


def traces(database: Database) -> dict[str, list[str]]:
    """Which of the traces is in which tables."""
    tables = dump(database)
    found = {trace: [name for name, text in tables.items() if trace in text] for trace in TRACES}
    return {trace: names for trace, names in found.items() if names}


@pytest.fixture(scope="module")
def store(postgres_server: EmbeddedPostgres) -> Iterator[Database]:
    with migrated_database(postgres_server, "erased") as database:
        yield database


@pytest.fixture
async def uow(store: Database) -> AsyncIterator[UnitOfWork]:
    store.empty()
    async with opened_pool(store.url, size=4) as pool:
        yield PostgresUnitOfWork(pool)


@pytest.fixture
def application(uow: UnitOfWork) -> Application:
    return assemble(uow)


async def settle(application: Application, parcel: Parcel, outcome: Outcome) -> None:
    assert (await application.deliveries.settle([], [parcel.mark])).granted == (True,)
    assert (await application.deliveries.settle([parcel.report(outcome)], [])).applied == (True,)


async def parcel(application: Application, *, urgent: bool) -> Parcel:
    """The one mail that is due."""
    (claimed,) = (await application.deliveries.claim("worker", 100, urgent=urgent)).parcels
    return claimed


async def sign_on(application: Application, name: str = NAME, newsletter: str = "default") -> None:
    """Sign up and confirm, as the server praises her by name."""
    await application.edit_newsletter(STAFF, newsletter, tags='vip: "Very important"')
    await application.subscribe(attrs.evolve(sign_up(EMAIL, name, newsletter), evidence=HERS, tags=("vip",)))
    mail = await parcel(application, urgent=True)
    await settle(application, mail, outcome_of(Phase.END, 250, f"2.0.0 for <{EMAIL}> {NAME}"))
    await application.confirm(token_in(mail.slots["confirmation.link"]), HERS)


async def publish(application: Application) -> UUID:
    return (await application.publish(publication(key=f"key {number()}"), STAFF)).id


async def send(application: Application, outcome: Outcome) -> None:
    """Publish an issue, and have a server say this of her mail."""
    await publish(application)
    await settle(application, await parcel(application, urgent=False), outcome)


async def subscriber(uow: UnitOfWork) -> UUID:
    async with uow.reading() as tx:
        return (await tx.subscribers.of_email(EmailAddress.parse(EMAIL)))[0].id


async def live(application: Application, uow: UnitOfWork) -> None:
    """All that can happen to a reader, of which everything that is written anywhere names her."""
    await application.create_newsletter(STAFF, "weekly", "Weekly")
    await sign_on(application)
    await sign_on(application, ALIAS, "weekly")
    told = f"5.7.1 {EMAIL}: not for {EMAIL.upper()}"
    await send(application, SenderFault(Reply.of(550, told)))
    await send(application, outcome_of(Phase.RCPT, 450, "4.2.1 Quincy's mailbox is full"))
    await send(application, outcome_of(Phase.RCPT, 550, f"5.2.1 {NAME} is away"))
    reader = await subscriber(uow)
    people = application.people
    await people.suppress(STAFF, reader, f"{NAME} wrote from {EMAIL}")
    await people.complain(STAFF, reader)
    await people.lift(STAFF, reader, f"{NAME} rang: it was her cat")
    await sign_on(application)
    await send(application, Throttled(Reply.of(421, told), Scope.RELAY))
    await publish(application)
    await application.preferences.ask_link_by_email(EmailAddress.parse(EMAIL), HERS)
    await application.subscribe(attrs.evolve(sign_up(EMAIL, ALIAS, "weekly"), evidence=HERS))
    await people.suppress(STAFF, reader, f"{ALIAS} wrote again")
    await people.show(STAFF, reader)


async def test_nothing_in_the_database_names_somebody_who_was_erased(
    store: Database, application: Application, uow: UnitOfWork
) -> None:
    await live(application, uow)
    named = traces(store)
    assert set(named) == set(TRACES)
    assert {"subscriptions", "subscription_tags"} <= set(named["quincy"]) & set(named["featherstone"])
    assert await application.people.erase(STAFF, await subscriber(uow)) == 2
    assert traces(store) == {}


async def test_what_is_sealed_and_summed_is_as_it_was(
    store: Database, application: Application, uow: UnitOfWork
) -> None:
    await live(application, uow)
    events = "SELECT event_id, canonical, details_digest FROM audit_events ORDER BY occurred_at, event_id"
    sealed = store.superuser.execute(events).fetchall()
    issues = [each for each in await application.list_issues() if each.state is IssueState.SENDING]
    totals = [sum((await application.show_issue(issue.id)).sums.values()) for issue in issues]
    await application.people.erase(STAFF, EmailAddress.parse(EMAIL))
    assert store.superuser.execute(events).fetchall()[: len(sealed)] == sealed
    assert [sum((await application.show_issue(issue.id)).sums.values()) for issue in issues] == totals


async def test_what_a_server_says_later_is_not_written_down(
    store: Database, application: Application, uow: UnitOfWork
) -> None:
    await sign_on(application)
    await publish(application)
    mail = await parcel(application, urgent=False)
    assert (await application.deliveries.settle([], [mail.mark])).granted == (True,)
    await application.people.erase(STAFF, EmailAddress.parse(EMAIL))
    await application.deliveries.settle([mail.report(outcome_of(Phase.RCPT, 450, "4.2.1 Quincy is full"))], [])
    assert traces(store) == {}


async def test_she_can_come_back_by_herself(application: Application, uow: UnitOfWork) -> None:
    await sign_on(application)
    await application.people.erase(STAFF, EmailAddress.parse(EMAIL))
    await sign_on(application, ALIAS)
    person = await application.people.find(STAFF, EMAIL)
    assert [(each.subscriber.status, each.subscriber.name.text) for each in person.subscriptions] == [
        (Status.CONFIRMED, ALIAS)
    ]
    assert person.suppressions == []


async def test_whatever_goes_on_beside_it_an_erasure_is_whole(
    store: Database, application: Application, uow: UnitOfWork
) -> None:
    """Confirming holds the link first and then the subscriber, erasing the subscriber first: neither waits forever."""
    for _ in range(10):
        await application.subscribe(attrs.evolve(sign_up(EMAIL, NAME), evidence=HERS))
        mail = await parcel(application, urgent=True)
        await settle(application, mail, outcome_of(Phase.END, 250, f"2.0.0 for {NAME}"))
        link = token_in(mail.slots["confirmation.link"])
        ended = await asyncio.gather(
            application.people.erase(STAFF, EmailAddress.parse(EMAIL)),
            application.confirm(link, HERS),
            application.people.erase(STAFF, EmailAddress.parse(EMAIL)),
            application.confirm(link, HERS),
            return_exceptions=True,
        )
        assert sum(count for count in ended if isinstance(count, int)) == 1
        assert [each for each in ended if isinstance(each, Exception) and not isinstance(each, Refusal)] == []
        assert traces(store) == {}
