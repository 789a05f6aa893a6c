"""Signing up and confirming: what is written, what is mailed, and what an outsider can learn."""

from collections.abc import Sequence
from datetime import timedelta

import attrs
import pytest

from tests.support.core import ADA, POLICY, Core, sign_up, token_in
from zero2prod.testing.builders import KEY, KEYS, evidence, suppression
from zero2prod.testing.faults import CommitLostBefore
from zero2prod_core.domain.audit import Action
from zero2prod_core.domain.consent import ConsentKind
from zero2prod_core.domain.deliveries import message_id
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.keys import Key, KeyRing
from zero2prod_core.domain.letters import LetterKind
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER
from zero2prod_core.domain.origins import system
from zero2prod_core.domain.subscribers import Event, RoundState, Status, Subscriber
from zero2prod_core.domain.suppressions import Reason, digests
from zero2prod_core.domain.tokens import Purpose, read_token, token_text
from zero2prod_core.errors import (
    CommitUnknown,
    FieldMissing,
    NewsletterUnknown,
    TokenExpired,
    TokenMalformed,
    TokenUnknown,
)
from zero2prod_core.ports.mailer import Parcel

NEW_KEY = Key("new", bytes(range(32, 64)))


async def after(core: Core, *events: Event) -> Subscriber:
    """Ada, confirmed, then changed by these events."""
    subscriber = await core.confirmed()
    for event in events:
        subscriber = subscriber.on(event)
    await core.save(subscriber)
    return subscriber


async def suppress(core: Core, *reasons: Reason, email: str = ADA) -> None:
    async with core.store() as tx:
        await tx.suppressions.add_batch([suppression(EmailAddress.parse(email), reason) for reason in reasons])


async def reasons(core: Core) -> frozenset[Reason]:
    async with core.store.reading() as tx:
        (found,) = await tx.suppressions.reasons([digests(core.keys, EmailAddress.parse(ADA))])
    return found


class TestSigningUp:
    async def test_a_new_subscriber_waits_for_confirmation(self, core: Core) -> None:
        await core.application.subscribe(sign_up(name="Ada Lovelace"))
        subscriber = await core.subscriber()
        assert (subscriber.status, subscriber.name.text) == (Status.PENDING, "Ada Lovelace")
        assert (subscriber.newsletter, subscriber.subscribed_at) == (DEFAULT_NEWSLETTER.id, core.clock.now)
        assert (subscriber.confirmed_at, subscriber.earlier_status) == (None, None)

    async def test_one_mail_with_one_link_follows(self, core: Core) -> None:
        await core.application.subscribe(sign_up())
        (parcel,) = await core.parcels(urgent=True)
        assert parcel.delivery.email.text == ADA
        link = parcel.slots["confirmation.link"]
        assert link.startswith("https://news.example.org/subscriptions/confirm?subscription_token=")
        assert read_token(KEYS, Purpose.CONFIRM, token_in(link)) == (parcel.delivery.key.occasion, KEY)
        assert parcel.slots["confirmation.lasts"] == "1 day"
        assert await core.parcels(urgent=False) == []

    async def test_the_request_is_evidence(self, core: Core) -> None:
        await core.application.subscribe(sign_up())
        (record,) = await core.consent()
        assert (record.kind, record.occurred_at) == (ConsentKind.REQUESTED, core.clock.now)
        assert (record.evidence, record.message_id) == (evidence(), None)

    async def test_exactly_one_event_is_audited(self, core: Core) -> None:
        await core.application.subscribe(sign_up())
        (event,) = await core.audit()
        subscriber, (record,) = await core.subscriber(), await core.consent()
        assert event.action is Action.SUBSCRIBER_SIGNED_UP
        assert (event.resource.type, event.resource.id) == ("subscriber", str(subscriber.id))
        assert (event.before, event.after) == (None, {"round": str(record.round), "status": "pending_confirmation"})
        assert event.origin == evidence().origin

    async def test_no_personal_data_stand_in_the_audited_text(self, core: Core) -> None:
        await core.application.subscribe(sign_up(name="Ada Lovelace"))
        (event,) = await core.audit()
        assert ADA not in event.canonical
        assert "Lovelace" not in event.canonical
        assert "192.0.2.1" not in event.canonical

    async def test_an_unknown_newsletter_is_refused_and_nothing_is_written(self, core: Core) -> None:
        with pytest.raises(NewsletterUnknown, match="no newsletter 'weekly'"):
            await core.application.subscribe(sign_up(newsletter="weekly"))
        assert await core.audit() == []
        assert await core.parcels(urgent=True) == []

    async def test_asking_again_before_confirming_brings_another_link_and_both_work(self, core: Core) -> None:
        first, second = await core.token(name="Ada"), await core.token(name="Ada L.")
        assert first != second
        await core.application.check_confirmation(first)
        await core.application.confirm(second, evidence())
        assert (await core.subscriber()).name.text == "Ada L."
        assert len(await core.consent()) == 3

    async def test_a_commit_that_is_lost_is_said_to_be_unknown(self, core: Core) -> None:
        application = core.over(CommitLostBefore(core.store))
        with pytest.raises(CommitUnknown):
            await application.subscribe(sign_up())
        assert await core.audit() == []


class TestBatches:
    async def test_a_refusal_disturbs_nobody_else(self, core: Core) -> None:
        batch = [sign_up("a@example.com"), sign_up("b@example.com", newsletter="weekly"), sign_up("c@example.com")]
        first, second, third = await core.application.subscribe_batch(batch)
        assert (first, third) == (None, None)
        assert isinstance(second, NewsletterUnknown)
        assert [parcel.delivery.email.text for parcel in await core.parcels(urgent=True)] == [
            "a@example.com",
            "c@example.com",
        ]
        assert len(await core.audit()) == 2

    async def test_an_empty_batch_does_nothing(self, core: Core) -> None:
        assert await core.application.subscribe_batch([]) == []
        assert await core.audit() == []

    async def test_one_e_mail_address_twice_is_signed_up_once_as_it_came_first(self, core: Core) -> None:
        batch = [sign_up("Ada@example.com", "First"), sign_up("ada@EXAMPLE.com", "Second")]
        assert await core.application.subscribe_batch(batch) == [None, None]
        assert (await core.subscriber()).name.text == "First"
        assert len(await core.parcels(urgent=True)) == 1
        assert len(await core.audit()) == 1

    async def test_one_e_mail_address_may_join_two_newsletters(self, core: Core) -> None:
        weekly = await core.application.create_newsletter(system("test"), "weekly", "Weekly")
        await core.application.subscribe_batch([sign_up(), sign_up(newsletter="weekly")])
        assert {parcel.newsletter.name for parcel in await core.parcels(urgent=True)} == {"Newsletter", "Weekly"}
        assert (await core.subscriber(newsletter=weekly.id)).id != (await core.subscriber()).id


class TestWhatIsKnownAlready:
    """The answer is the same in every case; only the mail differs, and the mailbox's owner alone sees that."""

    async def changes(self, core: Core) -> tuple[Subscriber, Sequence[Parcel], int]:
        """Sign up once more: the subscriber, the mails, and how many events that made."""
        known = len(await core.audit())
        await core.application.subscribe(sign_up(name="Stranger"))
        return await core.subscriber(), await core.parcels(urgent=True), len(await core.audit()) - known

    async def test_nothing_happens_to_those_who_complained(self, core: Core) -> None:
        known = await after(core, Event.COMPLAIN)
        assert await self.changes(core) == (known, [], 0)

    async def test_the_confirmed_stay_as_they_are_and_are_told_by_a_mail_without_a_link(self, core: Core) -> None:
        known = await after(core)
        subscriber, (parcel,), events = await self.changes(core)
        assert (subscriber, events, parcel.letter.kind) == (known, 0, LetterKind.NOTICE)
        assert "link" not in " ".join(parcel.slots)

    @pytest.mark.parametrize("event", [Event.UNSUBSCRIBE, Event.BOUNCE])
    async def test_who_left_gets_a_link_and_keeps_name_and_earlier_status(self, core: Core, event: Event) -> None:
        known = await after(core, event)
        subscriber, parcels, events = await self.changes(core)
        assert subscriber == attrs.evolve(known, status=Status.PENDING, earlier_status=known.status)
        assert (len(parcels), events) == (1, 1)
        assert (await core.audit())[-1].before == {"status": known.status}

    @pytest.mark.parametrize("reason", [Reason.COMPLAINT, Reason.IMPORT, Reason.MANUAL])
    async def test_the_suppressed_get_no_mail_and_no_row(self, core: Core, reason: Reason) -> None:
        await suppress(core, Reason.BOUNCE, reason)
        await core.application.subscribe(sign_up())
        assert await core.audit() == []
        assert await core.parcels(urgent=True) == []
        with pytest.raises(AssertionError):
            await core.subscriber()

    async def test_a_suppression_under_an_older_key_holds(self, core: Core) -> None:
        await suppress(core, Reason.COMPLAINT)
        application = core.over(core.store, keys=KeyRing((NEW_KEY, KEY)))
        await application.subscribe(sign_up())
        assert await core.audit() == []

    @pytest.mark.parametrize("reason", [Reason.BOUNCE, Reason.ERASURE])
    async def test_who_bounced_or_was_erased_may_come_back_by_confirming(self, core: Core, reason: Reason) -> None:
        await suppress(core, reason)
        subscriber = await core.confirmed()
        assert subscriber.status is Status.CONFIRMED
        assert await reasons(core) == frozenset()


class TestConfirming:
    async def test_the_subscriber_is_confirmed_under_the_rounds_name(self, core: Core) -> None:
        token = await core.token(name="Ada")
        core.clock.forward(timedelta(hours=1))
        newsletter = await core.application.confirm(token, evidence())
        subscriber = await core.subscriber()
        assert newsletter == DEFAULT_NEWSLETTER
        assert (subscriber.status, subscriber.confirmed_at) == (Status.CONFIRMED, core.clock.now)

    async def test_it_is_evidence_together_with_the_mail_that_was_confirmed(self, core: Core) -> None:
        await core.application.subscribe(sign_up())
        (parcel,) = await core.parcels(urgent=True)
        await core.application.confirm(token_in(parcel.slots["confirmation.link"]), evidence())
        requested, confirmed = await core.consent()
        assert (confirmed.kind, confirmed.round) == (ConsentKind.CONFIRMED, requested.round)
        assert confirmed.message_id == parcel.message_id == message_id(KEY, parcel.delivery.key, "example.org")

    async def test_exactly_one_event_is_audited(self, core: Core) -> None:
        subscriber = await core.confirmed()
        assert await core.actions() == [Action.SUBSCRIBER_SIGNED_UP, Action.SUBSCRIBER_CONFIRMED]
        event = (await core.audit())[-1]
        assert event.resource.id == str(subscriber.id)
        assert (event.before, event.after) == ({"status": "pending_confirmation"}, {"status": "confirmed"})

    async def test_doing_it_again_answers_the_same_and_changes_nothing(self, core: Core) -> None:
        token = await core.token()
        first = await core.application.confirm(token, evidence())
        subscriber, consent, audit = await core.subscriber(), await core.consent(), await core.audit()
        core.clock.forward(timedelta(hours=2))
        assert await core.application.confirm(token, evidence()) == first
        assert (await core.subscriber(), await core.consent(), await core.audit()) == (subscriber, consent, audit)

    async def test_the_second_link_of_a_confirmed_subscriber_is_evidence_and_changes_nothing_about_them(
        self, core: Core
    ) -> None:
        first, second = await core.token(name="Ada"), await core.token(name="Stranger")
        await core.application.confirm(first, evidence())
        subscriber, audit = await core.subscriber(), await core.audit()
        assert await core.application.confirm(second, evidence()) == DEFAULT_NEWSLETTER
        assert await core.subscriber() == subscriber
        assert [record.kind for record in await core.consent()].count(ConsentKind.CONFIRMED) == 2
        (event,) = (await core.audit())[len(audit) :]
        assert (event.action, event.before) == (Action.SUBSCRIBER_CONFIRMED, {"status": "confirmed"})

    async def test_one_who_left_comes_back_with_a_new_link(self, core: Core) -> None:
        await after(core, Event.UNSUBSCRIBE)
        await core.application.confirm(await core.token(name="Ada again"), evidence())
        subscriber = await core.subscriber()
        assert (subscriber.status, subscriber.name.text) == (Status.CONFIRMED, "Ada again")
        assert subscriber.earlier_status is None

    async def test_staffs_suppressions_are_not_lifted(self, core: Core) -> None:
        token = await core.token()
        await suppress(core, Reason.BOUNCE, Reason.MANUAL)
        await core.application.confirm(token, evidence())
        assert await reasons(core) == {Reason.MANUAL}

    async def test_a_lost_commit_leaves_a_link_that_works(self, core: Core) -> None:
        token = await core.token()
        with pytest.raises(CommitUnknown):
            await core.over(CommitLostBefore(core.store)).confirm(token, evidence())
        assert (await core.subscriber()).status is Status.PENDING
        await core.application.confirm(token, evidence())
        assert (await core.subscriber()).status is Status.CONFIRMED


class TestLinksThatDoNotWork:
    """What POST refuses, GET refuses before, by the same words; neither writes anything."""

    async def refused(self, core: Core, token: str, error: type[Exception]) -> None:
        audit, consent = await core.audit(), await core.consent()
        for attempt in (core.application.check_confirmation(token), core.application.confirm(token, evidence())):
            with pytest.raises(error):
                await attempt
        assert (await core.audit(), await core.consent()) == (audit, consent)

    @pytest.mark.parametrize(
        ("token", "error"), [("", FieldMissing), ("short", TokenMalformed), ("x" * 43, TokenUnknown)]
    )
    async def test_what_we_did_not_make(self, core: Core, token: str, error: type[Exception]) -> None:
        await core.token()
        await self.refused(core, token, error)

    async def test_a_link_works_until_just_before_it_expires(self, core: Core) -> None:
        token = await core.token()
        core.clock.forward(POLICY.token_lasts - timedelta(microseconds=1))
        await core.application.check_confirmation(token)
        assert await core.application.confirm(token, evidence()) == DEFAULT_NEWSLETTER

    async def test_a_link_has_expired_exactly_when_it_says(self, core: Core) -> None:
        token = await core.token()
        core.clock.forward(POLICY.token_lasts)
        await self.refused(core, token, TokenExpired)

    async def test_an_expired_link_is_expired_even_where_it_was_used(self, core: Core) -> None:
        token = await core.token()
        await core.application.confirm(token, evidence())
        core.clock.forward(POLICY.token_lasts)
        await self.refused(core, token, TokenExpired)

    async def test_a_link_of_another_purpose(self, core: Core) -> None:
        token_id, _ = read_token(KEYS, Purpose.CONFIRM, await core.token())
        await self.refused(core, token_text(KEY, Purpose.SET_UP, token_id), TokenUnknown)

    async def test_a_link_whose_row_was_swept(self, core: Core) -> None:
        token = await core.token()
        async with core.store() as tx:
            await tx.tokens.sweep(core.clock.now + timedelta(days=99), 10)
        await self.refused(core, token, TokenUnknown)

    async def test_a_link_whose_round_was_ended(self, core: Core) -> None:
        token = await core.token()
        (record,) = await core.consent()
        assert record.round
        async with core.store() as tx:
            opened = await tx.subscribers.get_round(record.round)
            assert opened
            await tx.subscribers.save_round(attrs.evolve(opened, state=RoundState.ENDED))
        await self.refused(core, token, TokenUnknown)

    @pytest.mark.parametrize("event", [Event.COMPLAIN, Event.UNSUBSCRIBE, Event.BOUNCE])
    @pytest.mark.parametrize("used", [False, True])
    async def test_a_link_from_before_the_subscriber_left(self, core: Core, event: Event, used: bool) -> None:
        token = await core.token()
        if used:
            await core.application.confirm(token, evidence())
        await core.save((await core.subscriber()).on(event))
        await self.refused(core, token, TokenUnknown)

    async def test_a_used_link_of_one_who_left_and_has_signed_up_again(self, core: Core) -> None:
        token = await core.token()
        await core.application.confirm(token, evidence())
        await core.save((await core.subscriber()).on(Event.BOUNCE))
        await core.application.subscribe(sign_up())
        await self.refused(core, token, TokenUnknown)


class TestKeys:
    async def test_a_link_made_under_an_older_key_that_is_still_listed_works(self, core: Core) -> None:
        token = await core.token()
        application = core.over(core.store, keys=KeyRing((NEW_KEY, KEY)))
        await application.check_confirmation(token)
        assert await application.confirm(token, evidence()) == DEFAULT_NEWSLETTER

    async def test_a_link_made_under_a_key_that_was_removed_does_not(self, core: Core) -> None:
        token = await core.token()
        application = core.over(core.store, keys=KeyRing((NEW_KEY,)))
        with pytest.raises(TokenUnknown):
            await application.confirm(token, evidence())

    async def test_new_links_are_made_under_the_newest_key(self, core: Core) -> None:
        application = core.over(core.store, keys=KeyRing((NEW_KEY, KEY)))
        await application.subscribe(sign_up())
        (parcel,) = (await application.deliveries.claim("worker", 1, urgent=True)).parcels
        assert read_token(KeyRing((NEW_KEY,)), Purpose.CONFIRM, token_in(parcel.slots["confirmation.link"]))
        assert (await core.subscriber()).digest.key_id == "new"

    async def test_the_evidence_names_the_mail_that_was_sent_though_keys_changed_before_and_after(
        self, core: Core
    ) -> None:
        await core.application.subscribe(sign_up())
        sending = core.over(core.store, keys=KeyRing((NEW_KEY, KEY)))
        (parcel,) = (await sending.deliveries.claim("worker", 1, urgent=True)).parcels
        later = core.over(core.store, keys=KeyRing((Key("newest", bytes(32)), NEW_KEY, KEY)))
        await later.confirm(token_in(parcel.slots["confirmation.link"]), evidence())
        assert (await core.consent())[-1].message_id == parcel.message_id
