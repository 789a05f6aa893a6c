"""A person is forgotten, and can come back by their own wish only."""

import pytest

from tests.support.core import ADA, Core, sign_up
from zero2prod.testing.builders import KEY, email, evidence, new_id, origin
from zero2prod_core.domain.audit import Action
from zero2prod_core.domain.deliveries import Deferred, DeliveryState, Reply
from zero2prod_core.domain.keys import Key, KeyRing
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER
from zero2prod_core.domain.origins import Actor, ActorKind
from zero2prod_core.domain.subscribers import Status
from zero2prod_core.domain.suppressions import Reason
from zero2prod_core.errors import SubscriberUnknown, TokenUnknown
from zero2prod_core.usecases.erasure import erase
from zero2prod_core.usecases.people import People

STAFF = origin(actor=Actor(ActorKind.ACCOUNT, "7"))
YOUNGER = KeyRing((Key("younger", bytes(range(1, 33))), KEY))
FULL = Deferred(Reply(452, "4.2.2 ada's mailbox is full"))


@pytest.fixture
def people(core: Core) -> People:
    return core.application.people


async def why(core: Core) -> list[Reason]:
    return [each.reason for each in (await core.application.people.find(STAFF, ADA)).suppressions]


async def test_an_email_address_is_erased_from_every_newsletter(core: Core, people: People) -> None:
    await core.application.create_newsletter(origin(), "weekly", "Weekly")
    default, weekly = await core.confirmed(), await core.confirmed(newsletter="weekly")
    bob = await core.confirmed("bob@example.com")
    assert await people.erase(STAFF, weekly.id) == 2
    assert await people.browse("default") == [bob]
    assert await people.browse("weekly") == []
    assert await why(core) == [Reason.ERASURE]
    erased = [event for event in await core.audit() if event.action is Action.SUBSCRIBER_ERASED]
    assert {event.resource.id for event in erased} == {str(default.id), str(weekly.id)}
    assert {event.origin for event in erased} == {STAFF}


async def test_what_is_left_tells_what_happened_and_to_nobody(core: Core, people: People) -> None:
    issue = await core.published(ADA, "bob@example.com")
    await core.send(*await core.parcels(urgent=False), outcome=FULL)
    reader = await core.subscriber()
    before = await core.audit()
    await people.erase(STAFF, reader.id)
    async with core.store.reading() as tx:
        records = await tx.consent.of([reader.id])
        mailings = await tx.deliveries.of_recipients([reader.id])
    assert len(records) == 2
    assert {(r.evidence.origin.network_address, r.evidence.origin.user_agent) for r in records} == {(None, None)}
    assert {mailing.reply for mailing in mailings} == {None}
    mine = [event for event in (await core.audit())[: len(before)] if event.resource.id == str(reader.id)]
    assert [event.details for event in mine] == [{}] * len(mine)
    assert [event.id for event in await core.audit()][: len(before)] == [event.id for event in before]
    assert await core.sums(issue) == {DeliveryState.CANCELLED: 1, DeliveryState.DEFERRED: 1}


async def test_every_link_of_theirs_ends(core: Core, people: People) -> None:
    confirming = await core.token()
    await people.erase(STAFF, email(ADA))
    with pytest.raises(TokenUnknown):
        await core.application.confirm(confirming, evidence())


async def test_staff_and_lists_cannot_bring_them_back_but_they_can(core: Core, people: People) -> None:
    await core.confirmed()
    await people.erase(STAFF, email(ADA))
    await people.import_suppressions(STAFF, ["bob@example.com"])
    assert not await people.lift(STAFF, email(ADA), "Bring her back.")
    assert await why(core) == [Reason.ERASURE]
    reader = await core.confirmed(name="Ada again")
    assert (reader.status, reader.name.text) == (Status.CONFIRMED, "Ada again")
    assert await why(core) == []
    await core.published()
    assert len(await core.parcels(urgent=False)) == 1


async def test_erasing_again_changes_nothing(core: Core, people: People) -> None:
    await core.confirmed()
    await people.erase(STAFF, email(ADA))
    before = await core.audit()
    assert await people.erase(STAFF, email(ADA)) == 0
    assert await core.audit() == before


async def test_whoever_is_only_suppressed_is_erased_by_losing_the_notes(core: Core, people: People) -> None:
    await people.suppress(STAFF, email(ADA), "Ada Lovelace rang.")
    assert await people.erase(STAFF, email(ADA)) == 0
    person = await people.find(STAFF, ADA)
    assert [(each.reason, each.note) for each in person.suppressions] == [(Reason.ERASURE, None), (Reason.MANUAL, None)]
    assert "Lovelace" not in str(await core.audit())


async def test_nobody_is_refused(people: People) -> None:
    with pytest.raises(SubscriberUnknown):
        await people.erase(STAFF, new_id())
    with pytest.raises(SubscriberUnknown):
        await people.erase(STAFF, email(ADA))


async def test_whoever_erases_themselves_leaves_no_network_address(core: Core) -> None:
    reader = await core.confirmed()
    async with core.store() as tx:
        await erase(tx, core.keys, core.application.people.erase.auditor, evidence().origin, reader.id)
    (event, *_) = [event for event in await core.audit() if event.action is Action.SUBSCRIBER_ERASED]
    assert (event.details, event.origin.actor.kind) == ({}, ActorKind.VISITOR)


async def test_a_sign_up_under_an_older_key_is_erased_under_all(core: Core) -> None:
    await core.confirmed()
    await core.over(core.store, YOUNGER).people.erase(STAFF, email(ADA))
    await core.over(core.store, YOUNGER).subscribe(sign_up())
    async with core.store.reading() as tx:
        found = await tx.subscribers.find(DEFAULT_NEWSLETTER.id, email(ADA))
    assert found
    assert found.status is Status.PENDING
