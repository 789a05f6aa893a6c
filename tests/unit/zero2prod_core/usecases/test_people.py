"""What the staff see of subscribers, and do for them."""

from collections.abc import Sequence
from datetime import timedelta

import attrs
import pytest

from tests.support.core import ADA, POLICY, SENT, Core, sign_up
from zero2prod.testing.builders import audit_event, email, new_id, origin
from zero2prod_core.domain.audit import Action
from zero2prod_core.domain.consent import ConsentKind
from zero2prod_core.domain.deliveries import Rejected, Reply
from zero2prod_core.domain.limits import Limits
from zero2prod_core.domain.origins import Actor, ActorKind
from zero2prod_core.domain.people import FactKind, Person
from zero2prod_core.domain.subscribers import Status
from zero2prod_core.errors import (
    FieldInvalid,
    FieldMissing,
    NewsletterUnknown,
    NothingToConfirm,
    SubscriberUnknown,
)
from zero2prod_core.usecases.looks import LOOK_LASTS
from zero2prod_core.usecases.people import MOST_EVENTS, People
from zero2prod_core.usecases.persons import subscriber_resource
from zero2prod_core.usecases.sign_ups import Outcome

STAFF = origin(actor=Actor(ActorKind.ACCOUNT, "7"))


@pytest.fixture
def people(core: Core) -> People:
    return core.application.people


def facts(person: Person, kind: FactKind) -> Sequence[str]:
    return [fact.what for fact in person.history if fact.kind is kind]


class TestBrowsing:
    async def test_a_page_is_found_by_newsletter_search_status_and_tag(self, core: Core, people: People) -> None:
        await core.application.create_newsletter(origin(), "weekly", "Weekly")
        ada, bob = await core.confirmed(ADA), await core.confirmed("bob@example.org")
        other = await core.confirmed(ADA, newsletter="weekly")
        assert await people.browse("default") == [bob, ada]
        assert await people.browse("default", limit=1) == [bob]
        assert await people.browse("default", after=bob.id) == [ada]
        assert await people.browse("default", "BOB") == [bob]
        assert await people.browse("default", "@example.com", "confirmed") == [ada]
        assert await people.browse("default", tag="vip") == []
        assert await people.browse("weekly") == [other]

    async def test_what_cannot_be_looked_for_is_refused(self, people: People) -> None:
        with pytest.raises(NewsletterUnknown):
            await people.browse("nowhere")
        with pytest.raises(FieldInvalid):
            await people.browse("default", "\x00")


class TestLooking:
    async def test_a_persons_history_is_all_that_happened_in_order(self, core: Core, people: People) -> None:
        await core.application.create_newsletter(origin(), "weekly", "Weekly")
        reader = await core.confirmed(ADA, newsletter="weekly")
        core.clock.forward(timedelta(hours=1))
        await core.published(ADA)
        await core.send(*await core.parcels(urgent=False), outcome=Rejected(Reply(552, "5.3.4 too big")))
        await core.confirmed("bob@example.com")
        person = await people.show(STAFF, reader.id)
        assert (person.email.text, person.suppressions) == (ADA, [])
        assert [each.newsletter.slug.text for each in person.subscriptions] == ["weekly", "default"]
        assert facts(person, FactKind.CONSENT) == ["requested", "confirmed"] * 2
        assert facts(person, FactKind.EVENT) == ["subscriber_signed_up", "subscriber_confirmed"] * 2
        assert facts(person, FactKind.MAIL) == ["confirmation", "confirmation", "issue"]
        assert [fact.at for fact in person.history] == sorted(fact.at for fact in person.history)
        weekly, default = ([f for f in person.history if f.newsletter == s.newsletter] for s in person.subscriptions)
        assert (len(weekly), len(default)) == (5, 6)
        assert default[-1].details["reply"] == "552 5.3.4 too big"

    async def test_every_look_is_on_record_and_part_of_the_history(self, core: Core, people: People) -> None:
        reader = await core.confirmed()
        await people.show(STAFF, reader.id)
        core.clock.forward(LOOK_LASTS)
        person = await people.find(STAFF, " ADA@example.com ")
        (read,) = [fact for fact in person.history if fact.what == "sensitive_read"]
        assert read.details["actor"] == "account:7"
        looks = [event for event in await core.audit() if event.action is Action.SENSITIVE_READ]
        assert [event.resource.id for event in looks] == [str(reader.id)] * 2

    async def test_it_says_that_mails_are_not_kept_forever(self, core: Core, people: People) -> None:
        reader = await core.confirmed()
        core.clock.forward(POLICY.retention)
        assert (await people.show(STAFF, reader.id)).left_out == []
        core.clock.forward(timedelta(days=1))
        told = "Mails that were done with before 2026-01-06 are not kept one by one, but for some that failed."
        assert (await people.show(STAFF, reader.id)).left_out == [told]

    async def test_it_says_that_older_events_are_left_out(self, core: Core, people: People) -> None:
        reader = await core.confirmed()
        seen = subscriber_resource(reader.id)
        async with core.store() as tx:
            await tx.audit.append_batch([audit_event(resource=seen) for _ in range(MOST_EVENTS - 2)])
        assert (await people.show(STAFF, reader.id)).left_out == []
        person = await people.show(STAFF, reader.id)
        assert person.left_out == ["Of the audit log, only the newest 1,000 entries stand here."]
        shown = facts(person, FactKind.EVENT)
        assert (len(shown), shown.count("sensitive_read")) == (MOST_EVENTS, 1)

    async def test_a_look_again_within_minutes_is_the_same_but_anybody_elses_is_not(
        self, core: Core, people: People
    ) -> None:
        reader = await core.confirmed()
        await people.show(STAFF, reader.id)
        core.clock.forward(LOOK_LASTS - timedelta(seconds=1))
        await people.show(STAFF, reader.id)
        await people.show(origin(actor=Actor(ActorKind.ACCOUNT, "8")), reader.id)
        looks = [event for event in await core.audit() if event.action is Action.SENSITIVE_READ]
        assert [event.origin.actor.id for event in looks] == ["7", "8"]

    async def test_why_something_was_lifted_is_found_by_the_email_address_of_nobody(
        self, core: Core, people: People
    ) -> None:
        await people.import_suppressions(STAFF, [ADA])
        await people.lift(STAFF, email(ADA), "She rang.")
        person = await people.find(STAFF, ADA)
        assert (person.subscriptions, person.suppressions) == ([], [])
        assert [fact.details["words"] for fact in person.history] == ["She rang."]

    async def test_a_pause_that_is_over_is_none(self, core: Core, people: People) -> None:
        reader = await core.confirmed()
        paused = attrs.evolve(reader, paused_until=core.clock.now + timedelta(hours=1))
        await core.save(paused)
        assert await people.browse("default") == [paused]
        assert (await people.show(STAFF, reader.id)).subscriptions[0].subscriber == paused
        core.clock.forward(timedelta(hours=1))
        assert await people.browse("default") == [reader]
        assert (await people.show(STAFF, reader.id)).subscriptions[0].subscriber == reader

    async def test_nobody_is_unknown_by_id_and_by_email_address(self, core: Core, people: People) -> None:
        with pytest.raises(SubscriberUnknown):
            await people.show(STAFF, new_id())
        with pytest.raises(SubscriberUnknown):
            await people.find(STAFF, ADA)
        with pytest.raises(FieldMissing):
            await people.find(STAFF, " ")
        assert Action.SENSITIVE_READ not in await core.actions()

    async def test_whoever_is_only_suppressed_is_found_by_email_address(self, core: Core, people: People) -> None:
        await people.import_suppressions(STAFF, [ADA])
        person = await people.find(STAFF, ADA)
        assert person.subscriptions == []
        assert [each.reason.value for each in person.suppressions] == ["import"]
        (event,) = [event for event in await core.audit() if event.action is Action.SENSITIVE_READ]
        assert event.resource.type == "suppression"


class TestUnsubscribing:
    async def test_staff_unsubscribe_one_newsletter_with_evidence(self, core: Core, people: People) -> None:
        reader = await core.confirmed()
        await people.unsubscribe(STAFF, reader.id)
        await people.unsubscribe(STAFF, reader.id)
        assert (await core.subscriber()).status is Status.UNSUBSCRIBED
        withdrawn = (await core.consent())[-1]
        assert (withdrawn.kind, withdrawn.evidence.source) == (ConsentKind.WITHDRAWN, "staff")
        assert withdrawn.evidence.origin == STAFF
        assert (await core.actions()).count(Action.SUBSCRIBER_UNSUBSCRIBED) == 1

    async def test_nobody_cannot_be_unsubscribed(self, people: People) -> None:
        with pytest.raises(SubscriberUnknown):
            await people.unsubscribe(STAFF, new_id())


class TestResending:
    async def test_a_pending_sign_up_gets_another_mail(self, core: Core, people: People) -> None:
        await core.application.subscribe(sign_up())
        reader = await core.subscriber()
        core.clock.forward(timedelta(hours=1))
        assert await people.resend_confirmation(STAFF, reader.id) is Outcome.MAILED
        parcels = await core.parcels(urgent=True)
        await core.send(*parcels, outcome=SENT)
        assert len(parcels) == 2
        requested = (await core.consent())[-1]
        assert (requested.kind, requested.evidence.source) == (ConsentKind.REQUESTED, "staff")

    async def test_the_limits_of_a_mailbox_hold_for_staff_as_well(self) -> None:
        core = Core(policy=attrs.evolve(POLICY, limits=Limits()))
        await core.application.subscribe(sign_up())
        reader = await core.subscriber()
        assert await core.application.people.resend_confirmation(STAFF, reader.id) is Outcome.WITHHELD

    async def test_whoever_does_not_wait_gets_none(self, core: Core, people: People) -> None:
        reader = await core.confirmed()
        with pytest.raises(NothingToConfirm):
            await people.resend_confirmation(STAFF, reader.id)
        with pytest.raises(SubscriberUnknown):
            await people.resend_confirmation(STAFF, new_id())
