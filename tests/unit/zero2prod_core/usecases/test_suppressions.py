"""Complaints and other reasons not to mail somebody, and how they are lifted."""

from uuid import UUID

import attrs
import pytest

from tests.support.core import ADA, Core, sign_up
from zero2prod.testing.builders import KEY, KEYS, email, evidence, new_id, origin
from zero2prod_core.domain.audit import Action, AuditEvent
from zero2prod_core.domain.consent import ConsentKind
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.keys import Key, KeyRing
from zero2prod_core.domain.origins import Actor, ActorKind
from zero2prod_core.domain.subscribers import Status
from zero2prod_core.domain.suppressions import Reason, Suppression, digest, digests
from zero2prod_core.errors import FieldInvalid, FieldMissing, SubscriberUnknown, TokenUnknown
from zero2prod_core.usecases.people import People
from zero2prod_core.usecases.suppressions import LONGEST_REASON

STAFF = origin(actor=Actor(ActorKind.ACCOUNT, "7"))
YOUNGER = KeyRing((Key("younger", bytes(range(1, 33))), KEY))


@pytest.fixture
def people(core: Core) -> People:
    return core.application.people


async def reasons(core: Core, text: str = ADA, keys: KeyRing = YOUNGER) -> set[Reason]:
    async with core.store.reading() as tx:
        (found,) = await tx.suppressions.reasons([digests(keys, EmailAddress.parse(text))])
    return set(found)


async def suppress(core: Core, *why: Reason, text: str = ADA) -> None:
    keyed = digest(KEY, EmailAddress.parse(text))
    async with core.store() as tx:
        await tx.suppressions.add_batch([Suppression(keyed, reason, await tx.now()) for reason in why])


async def done(core: Core, *actions: Action) -> list[AuditEvent]:
    return [event for event in await core.audit() if event.action in actions]


class TestComplaining:
    async def test_a_complaint_ends_every_newsletter_of_the_email_address(self, core: Core, people: People) -> None:
        await core.application.create_newsletter(origin(), "weekly", "Weekly")
        default, weekly = await core.confirmed(), await core.confirmed(newsletter="weekly")
        assert await people.complain(STAFF, default.id)
        assert await reasons(core) == {Reason.COMPLAINT}
        complained = [await core.subscriber(), await core.subscriber(newsletter=weekly.newsletter)]
        assert [each.status for each in complained] == [Status.COMPLAINED] * 2
        withdrawn = (await core.consent())[-1]
        assert (withdrawn.kind, withdrawn.evidence.source) == (ConsentKind.WITHDRAWN, "complaint")
        events = await done(core, Action.SUBSCRIBER_COMPLAINED, Action.SUPPRESSION_ADDED)
        assert [event.resource.type for event in events] == ["subscriber", "subscriber", "suppression"]
        assert {event.origin.actor.id for event in events} == {"7"}

    async def test_a_complaint_ends_links_that_wait_and_mails_that_are_due(self, core: Core, people: People) -> None:
        await core.published("bob@example.com")
        token = await core.token()
        assert await people.complain(STAFF, email("bob@example.com"))
        assert await people.complain(STAFF, email(ADA))
        with pytest.raises(TokenUnknown):
            await core.application.confirm(token, evidence())
        assert await core.parcels(urgent=False) == []

    async def test_a_complaint_is_remembered_of_whoever_is_no_subscriber(self, core: Core, people: People) -> None:
        assert await people.complain(STAFF, email(ADA))
        await core.application.subscribe(sign_up())
        assert await core.parcels(urgent=True) == []

    async def test_complaining_again_changes_nothing(self, core: Core, people: People) -> None:
        reader = await core.confirmed()
        await people.complain(STAFF, reader.id)
        before = await core.audit()
        assert not await people.complain(STAFF, email(ADA))
        assert await core.audit() == before

    async def test_nobody_cannot_complain(self, people: People) -> None:
        with pytest.raises(SubscriberUnknown):
            await people.complain(STAFF, new_id())

    async def test_a_subscriber_under_an_older_key_is_reached_at_once(self, core: Core) -> None:
        await core.published(ADA)
        await core.over(core.store, YOUNGER).people.complain(STAFF, email(ADA))
        await core.over(core.store, YOUNGER).people.suppress(STAFF, email(ADA))
        assert await reasons(core, keys=KEYS) == {Reason.COMPLAINT, Reason.MANUAL}
        assert await core.parcels(urgent=False) == []


class TestSuppressing:
    async def test_it_holds_under_every_listed_key_and_is_told_once(self, core: Core) -> None:
        rotated = core.over(core.store, YOUNGER).people
        assert await rotated.suppress(STAFF, email(ADA), "She wrote a letter.")
        for keys in (KEYS, KeyRing((YOUNGER.newest,))):
            assert await reasons(core, keys=keys) == {Reason.MANUAL}
        (suppression,) = (await rotated.find(STAFF, ADA)).suppressions
        assert suppression.note == "She wrote a letter."
        assert not await rotated.suppress(STAFF, email(ADA))
        assert await rotated.lift(STAFF, email(ADA), "She rang.")
        assert await reasons(core) == set()

    async def test_whoever_confirms_meanwhile_under_another_key_gets_no_issue(self, core: Core) -> None:
        token = await core.token()
        unmet = digest(YOUNGER.newest, email(ADA))
        async with core.store() as tx:
            await tx.suppressions.add_batch([Suppression(unmet, Reason.IMPORT, await tx.now())])
        await core.over(core.store, YOUNGER).confirm(token, evidence())
        assert (await core.subscriber()).status is Status.CONFIRMED
        await core.published()
        assert await core.parcels(urgent=False) == []
        (suppression,) = (await core.over(core.store, YOUNGER).people.find(STAFF, ADA)).suppressions
        assert suppression.reason is Reason.IMPORT

    async def test_staff_keep_an_email_address_from_being_mailed(self, core: Core, people: People) -> None:
        await core.published(ADA)
        assert await people.suppress(STAFF, email(ADA), "She wrote a letter.")
        assert not await people.suppress(STAFF, (await core.subscriber()).id)
        assert (await core.subscriber()).status is Status.CONFIRMED
        assert await core.parcels(urgent=False) == []
        (suppression,) = (await people.find(STAFF, ADA)).suppressions
        assert (suppression.reason, suppression.note) == (Reason.MANUAL, "She wrote a letter.")
        (event,) = await done(core, Action.SUPPRESSION_ADDED)
        assert (event.words, event.reason, event.after) == ("She wrote a letter.", None, {"reason": "manual"})

    async def test_a_note_is_one_line(self, people: People) -> None:
        with pytest.raises(FieldInvalid):
            await people.suppress(STAFF, email(ADA), "two\nlines")


class TestLifting:
    @pytest.mark.parametrize("why", sorted(set(Reason) - {Reason.ERASURE}))
    async def test_staff_lift_a_suppression_with_a_reason(self, core: Core, people: People, why: Reason) -> None:
        await suppress(core, why)
        assert await people.lift(STAFF, email(ADA), " She rang. ")
        assert await reasons(core) == set()
        (event,) = await done(core, Action.SUPPRESSION_LIFTED)
        assert (event.words, event.before, event.origin) == ("She rang.", {"reasons": why.value}, STAFF)

    async def test_whoever_complained_is_unsubscribed_and_may_come_back(self, core: Core, people: People) -> None:
        reader = await core.confirmed()
        await people.complain(STAFF, reader.id)
        assert await people.lift(STAFF, reader.id, "A mistake of her mail program.")
        assert (await core.subscriber()).status is Status.UNSUBSCRIBED
        (event,) = await done(core, Action.SUBSCRIBER_COMPLAINT_LIFTED)
        assert (event.before, event.after) == ({"status": "complained"}, {"status": "unsubscribed"})
        assert (await core.confirmed()).status is Status.CONFIRMED

    async def test_what_was_erased_stays_so(self, core: Core, people: People) -> None:
        await suppress(core, Reason.ERASURE)
        assert not await people.lift(STAFF, email(ADA), "She rang.")
        assert await reasons(core) == {Reason.ERASURE}
        assert await core.audit() == []

    async def test_what_older_keys_suppress_is_lifted_too(self, core: Core) -> None:
        await suppress(core, Reason.MANUAL)
        assert await core.over(core.store, YOUNGER).people.lift(STAFF, email(ADA), "She rang.")
        assert await reasons(core) == set()

    @pytest.mark.parametrize("reason", ["", "  ", "two\nlines", "x" * (LONGEST_REASON + 1), "a\x00b"])
    async def test_a_reason_is_required_and_one_line(self, core: Core, people: People, reason: str) -> None:
        await suppress(core, Reason.MANUAL)
        with pytest.raises((FieldMissing, FieldInvalid)) as refused:
            await people.lift(STAFF, email(ADA), reason)
        assert refused.value.fields["field"] == "reason"
        assert await reasons(core) == {Reason.MANUAL}

    @pytest.mark.parametrize("whom", [UUID(int=1)])
    async def test_nobody_has_nothing_to_lift(self, people: People, whom: UUID) -> None:
        with pytest.raises(SubscriberUnknown):
            await people.lift(STAFF, whom, "She rang.")
        assert not await people.lift(STAFF, email(ADA), "She rang.")

    async def test_a_bounced_subscriber_stays_so_until_the_next_sign_up(self, core: Core, people: People) -> None:
        reader = await core.confirmed()
        await core.save(attrs.evolve(reader, status=Status.BOUNCED))
        await suppress(core, Reason.BOUNCE)
        assert await people.lift(STAFF, reader.id, "The mailbox is back.")
        assert (await core.subscriber()).status is Status.BOUNCED
