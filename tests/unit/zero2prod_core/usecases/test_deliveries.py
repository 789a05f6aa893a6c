"""Claiming, settling and leases: what the ledger's verbs add to the ledger itself, which has a contract of its own."""

from collections.abc import Sequence
from datetime import timedelta

import attrs
import pytest

from tests.support.core import ADA, BASE_URL, POLICY, SENT, Core, publication, sign_up
from zero2prod.testing.builders import KEY, origin, suppression
from zero2prod.testing.faults import CommitLostAfter, CommitLostBefore
from zero2prod_core.domain.audit import Action
from zero2prod_core.domain.deliveries import (
    JITTER,
    RETRY_SCHEDULE,
    Deferred,
    DeliveryState,
    Outcome,
    Rejected,
    Reply,
    Scope,
    SenderFault,
    Throttled,
    Uncertain,
    message_id,
)
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.issues import Issue, IssueState
from zero2prod_core.domain.letters import LetterKind, LetterState
from zero2prod_core.domain.origins import system
from zero2prod_core.domain.subscribers import Event, Status
from zero2prod_core.domain.suppressions import Reason
from zero2prod_core.errors import CommitUnknown
from zero2prod_core.ports.deliveries import Expired
from zero2prod_core.ports.mailer import Parcel
from zero2prod_core.usecases.deliveries import NOTHING_DUE

DEAD = Rejected(Reply(550, "5.1.1 no such user"), suppress=True)
FAULT = SenderFault(Reply(530, "5.7.0 authentication required"))


async def mark(core: Core, *parcels: Parcel) -> Sequence[bool]:
    return (await core.application.deliveries.settle([], [parcel.mark for parcel in parcels])).granted


async def report(core: Core, outcome: Outcome, *parcels: Parcel) -> Sequence[bool]:
    return (await core.application.deliveries.settle([parcel.report(outcome) for parcel in parcels], [])).applied


async def reasons(core: Core, email: str = ADA) -> frozenset[Reason]:
    async with core.store.reading() as tx:
        (found,) = await tx.suppressions.reasons([[suppression(EmailAddress.parse(email)).digest]])
    return found


async def issue_now(core: Core) -> Issue:
    (issue,) = await core.application.list_issues()
    return issue


class TestClaiming:
    async def test_a_parcel_has_all_that_a_mail_needs(self, core: Core) -> None:
        core.clock.forward(timedelta(minutes=1))
        issue = await core.published(ADA)
        published_at = core.clock.now
        core.clock.forward(timedelta(minutes=1))
        (parcel,) = await core.parcels(urgent=False)
        assert (parcel.delivery.email.text, parcel.delivery.attempt) == (ADA, 1)
        assert (parcel.letter.id, parcel.letter.subject) == (issue.letter, "News")
        assert (parcel.sender.name, parcel.sender.email) == ("Newsletter", POLICY.sender)
        assert parcel.message_id == message_id(KEY, parcel.delivery.key, "example.org")
        assert parcel.dated_at == published_at
        assert parcel.slots == {"newsletter.name": "Newsletter", "subscriber.name": "Ada"}

    async def test_letter_and_sender_are_shared_by_a_batch(self, core: Core) -> None:
        await core.published("a@example.com", "b@example.com")
        first, second = await core.parcels(urgent=False)
        assert first.letter is second.letter
        assert first.sender is second.sender

    async def test_a_newsletter_may_have_a_sender_and_a_reply_to_of_its_own(self, core: Core) -> None:
        await core.application.create_newsletter(
            origin(), "daily", "The Daily", "daily@example.com", "editors@example.com"
        )
        await core.application.subscribe(sign_up(newsletter="daily"))
        (parcel,) = await core.parcels(urgent=True)
        assert parcel.sender.email.text == "daily@example.com"
        assert parcel.sender.reply_to == EmailAddress.parse("editors@example.com")
        assert parcel.message_id.endswith("@example.org>")

    async def test_a_confirmation_is_dated_when_it_was_asked_for_and_says_how_long_its_link_lasts(self) -> None:
        core = Core(policy=attrs.evolve(POLICY, token_lasts=timedelta(minutes=90)))
        await core.application.subscribe(sign_up())
        asked_at = core.clock.now
        core.clock.forward(timedelta(minutes=1))
        (parcel,) = await core.parcels(urgent=True)
        assert parcel.dated_at == asked_at
        assert parcel.slots["confirmation.lasts"] == "90 minutes"
        assert parcel.slots["confirmation.link"].startswith(f"{BASE_URL}/subscriptions/confirm?")

    async def test_urgent_letters_and_issues_are_claimed_apart(self, core: Core) -> None:
        await core.published("a@example.com")
        await core.application.subscribe(sign_up())
        assert [parcel.delivery.email.text for parcel in await core.parcels(urgent=True)] == [ADA]
        assert [parcel.delivery.email.text for parcel in await core.parcels(urgent=False)] == ["a@example.com"]

    async def test_no_more_than_the_limit_is_claimed_and_nothing_twice(self, core: Core) -> None:
        await core.published("a@example.com", "b@example.com", "c@example.com")
        claim = core.application.deliveries.claim
        sizes = [len((await claim("worker", 2, urgent=False)).parcels) for _ in range(3)]
        assert sizes == [2, 1, 0]

    async def test_a_confirmation_is_not_claimed_once_its_link_has_expired(self, core: Core) -> None:
        await core.application.subscribe(sign_up())
        core.clock.forward(POLICY.token_lasts)
        assert await core.parcels(urgent=True) == []


class TestSettling:
    async def test_a_mail_is_marked_and_then_sent(self, core: Core) -> None:
        issue = await core.published(ADA)
        parcels = await core.parcels(urgent=False)
        assert await mark(core, *parcels) == (True,)
        assert await core.sums(issue) == {DeliveryState.ATTEMPTING: 1}
        assert await report(core, SENT, *parcels) == (True,)
        assert await core.sums(issue) == {DeliveryState.SENT: 1}

    async def test_results_and_marks_travel_together(self, core: Core) -> None:
        issue = await core.published("a@example.com", "b@example.com")
        first, second = await core.parcels(urgent=False)
        await mark(core, first)
        settled = await core.application.deliveries.settle([first.report(SENT)], [second.mark])
        assert (settled.applied, settled.granted) == ((True,), (True,))
        assert await core.sums(issue) == {DeliveryState.SENT: 1, DeliveryState.ATTEMPTING: 1}

    async def test_a_reader_who_left_after_the_claim_is_not_marked(self, core: Core) -> None:
        issue = await core.published(ADA)
        parcels = await core.parcels(urgent=False)
        await core.save((await core.subscriber()).on(Event.UNSUBSCRIBE))
        assert await mark(core, *parcels) == (False,)
        assert await core.sums(issue) == {DeliveryState.SUPPRESSED: 1}

    @pytest.mark.parametrize(
        ("outcome", "after"),
        [
            (Deferred(Reply(450, "4.2.0 later")), timedelta(minutes=5)),
            (Throttled(Reply(421, "4.7.0 slowly"), Scope.DOMAIN), timedelta(minutes=7.5)),
            (Throttled(Reply(None, "lost"), Scope.RELAY), timedelta(seconds=15)),
            (Uncertain(Reply(None, "lost")), timedelta(minutes=5)),
        ],
    )
    async def test_a_mail_that_was_not_taken_returns_in_time(
        self, core: Core, outcome: Outcome, after: timedelta
    ) -> None:
        await core.published(ADA)
        parcels = await core.parcels(urgent=False)
        await mark(core, *parcels)
        await report(core, outcome, *parcels)
        core.clock.forward(after - timedelta(seconds=1))
        await core.application.jobs.expire_leases()
        assert await core.parcels(urgent=False) == []
        core.clock.forward(timedelta(seconds=1))
        await core.application.jobs.expire_leases()
        (again,) = await core.parcels(urgent=False)
        counted = not isinstance(outcome, Throttled)
        assert again.delivery.attempt == (2 if counted else 1)
        assert again.message_id == parcels[0].message_id

    async def test_a_report_under_an_ended_lease_changes_nothing(self, core: Core) -> None:
        issue = await core.published(ADA)
        parcels = await core.parcels(urgent=False)
        core.clock.forward(POLICY.lease_lasts)
        assert await report(core, DEAD, *parcels) == (False,)
        assert await mark(core, *parcels) == (False,)
        assert await core.sums(issue) == {DeliveryState.LEASED: 1}
        assert await reasons(core) == frozenset()

    async def test_nothing_is_audited_for_ordinary_outcomes(self, core: Core) -> None:
        await core.published("a@example.com", "b@example.com")
        known, parcels = await core.audit(), await core.parcels(urgent=False)
        await mark(core, *parcels)
        await report(core, SENT, parcels[0])
        await report(core, Rejected(Reply(550, "5.7.1 not wanted")), parcels[1])
        assert await core.audit() == known
        assert await reasons(core, "b@example.com") == frozenset()


class TestBouncing:
    async def bounce(self, core: Core) -> None:
        await core.published()
        parcels = await core.parcels(urgent=False)
        await mark(core, *parcels)
        await report(core, DEAD, *parcels)

    async def test_the_subscriber_bounces_and_the_e_mail_address_is_suppressed(self, core: Core) -> None:
        await core.confirmed()
        await self.bounce(core)
        assert (await core.subscriber()).status is Status.BOUNCED
        assert await reasons(core) == {Reason.BOUNCE}
        issue = await core.application.publish(publication(), origin())
        assert issue.audience == 0

    async def test_every_newsletters_subscriber_of_this_e_mail_address_bounces_with_one_event_each(
        self, core: Core
    ) -> None:
        weekly = await core.application.create_newsletter(system("test"), "weekly", "Weekly")
        subscribers = [await core.confirmed(), await core.confirmed(newsletter="weekly")]
        await core.confirmed("other@example.com", newsletter="weekly")
        await self.bounce(core)
        assert (await core.subscriber(newsletter=weekly.id)).status is Status.BOUNCED
        assert (await core.subscriber("other@example.com", weekly.id)).status is Status.CONFIRMED
        events = [event for event in await core.audit() if event.action is Action.SUBSCRIBER_BOUNCED]
        assert sorted(event.resource.id for event in events) == sorted(str(s.id) for s in subscribers)
        assert all(event.before == {"status": "confirmed"} for event in events)
        assert all(event.after and event.after["status"] == "bounced" for event in events)
        assert {event.origin for event in events} == {system("delivery")}

    async def test_whoever_cannot_bounce_keeps_their_status(self, core: Core) -> None:
        weekly = await core.application.create_newsletter(system("test"), "weekly", "Weekly")
        left = (await core.confirmed(newsletter="weekly")).on(Event.UNSUBSCRIBE)
        await core.save(left)
        await core.confirmed()
        await self.bounce(core)
        assert await core.subscriber(newsletter=weekly.id) == left

    async def test_a_confirmation_that_bounces_ends_in_a_new_sign_up(self, core: Core) -> None:
        await core.application.subscribe(sign_up())
        (parcel,) = await core.parcels(urgent=True)
        await mark(core, parcel)
        await report(core, DEAD, parcel)
        assert (await core.subscriber()).status is Status.BOUNCED
        assert (await core.confirmed()).status is Status.CONFIRMED
        assert await reasons(core) == frozenset()


class TestOurOwnFault:
    async def fail(self, core: Core) -> None:
        parcels = await core.parcels(urgent=False)
        await mark(core, *parcels)
        assert all(await report(core, FAULT, *parcels))

    async def test_the_issue_and_its_letter_pause_with_the_servers_words(self, core: Core) -> None:
        await core.published("a@example.com", "b@example.com")
        await self.fail(core)
        issue = await issue_now(core)
        assert (issue.state, issue.pause_reason) == (IssueState.PAUSED, "5.7.0 authentication required")
        async with core.store.reading() as tx:
            paused = (await tx.letters.get_batch([issue.letter]))[issue.letter]
        assert (paused.state, paused.pause_reason) == (LetterState.PAUSED, issue.pause_reason)

    async def test_no_recipient_is_blamed_and_nothing_more_is_claimed(self, core: Core) -> None:
        await core.published("a@example.com")
        await self.fail(core)
        assert await core.sums(await issue_now(core)) == {DeliveryState.PENDING: 1}
        core.clock.forward(timedelta(days=1))
        assert await core.parcels(urgent=False) == []

    async def test_one_event_says_why_however_many_mails_failed(self, core: Core) -> None:
        await core.published("a@example.com", "b@example.com")
        await self.fail(core)
        (event,) = [event for event in await core.audit() if event.action is Action.ISSUE_PAUSED]
        assert (event.reason, event.origin) == ("5.7.0 authentication required", system("delivery"))
        assert event.resource.id == str((await issue_now(core)).id)

    async def test_a_letter_that_is_no_issues_waits(self, core: Core) -> None:
        await core.application.subscribe(sign_up())
        known, (parcel,) = await core.audit(), await core.parcels(urgent=True)
        await mark(core, parcel)
        await report(core, FAULT, parcel)
        assert await core.audit() == known
        core.clock.forward(RETRY_SCHEDULE[0] * (1 + JITTER))
        assert [each.delivery.attempt for each in await core.parcels(urgent=True)] == [2]

    async def test_reports_that_bring_a_fault_still_get_their_marks_an_answer(self, core: Core) -> None:
        await core.published("a@example.com")
        await core.application.subscribe(sign_up())
        (bulk,), (urgent,) = await core.parcels(urgent=False), await core.parcels(urgent=True)
        await mark(core, bulk)
        settled = await core.application.deliveries.settle([bulk.report(FAULT)], [urgent.mark])
        assert (settled.applied, settled.granted) == ((True,), (True,))


class TestCommitsOfUnknownOutcome:
    """Asked again, the same visit gets the same answer, whether its first commit held or not."""

    @pytest.mark.parametrize("fault", [CommitLostBefore, CommitLostAfter])
    async def test_results_hold_and_marks_are_granted(
        self, core: Core, fault: type[CommitLostBefore] | type[CommitLostAfter]
    ) -> None:
        issue = await core.published("a@example.com", "b@example.com")
        first, second = await core.parcels(urgent=False)
        await mark(core, first)
        settle = core.over(fault(core.store)).deliveries.settle
        with pytest.raises(CommitUnknown):
            await settle([first.report(SENT)], [second.mark])
        settled = await settle([first.report(SENT)], [second.mark])
        assert settled.granted == (True,)
        assert await core.sums(issue) == {DeliveryState.SENT: 1, DeliveryState.ATTEMPTING: 1}

    async def test_a_bounce_is_written_once(self, core: Core) -> None:
        await core.published(ADA)
        parcels = await core.parcels(urgent=False)
        await mark(core, *parcels)
        settle = core.over(CommitLostAfter(core.store)).deliveries.settle
        with pytest.raises(CommitUnknown):
            await settle([parcels[0].report(DEAD)], [])
        await settle([parcels[0].report(DEAD)], [])
        assert (await core.actions()).count(Action.SUBSCRIBER_BOUNCED) == 1
        assert await reasons(core) == {Reason.BOUNCE}

    async def test_what_another_worker_marked_meanwhile_is_not_granted(self, core: Core) -> None:
        issue = await core.published(ADA)
        (mine,) = await core.parcels(urgent=False)
        core.clock.forward(POLICY.lease_lasts)
        await core.application.jobs.expire_leases()
        (theirs,) = await core.parcels(urgent=False)
        assert await mark(core, theirs) == (True,)
        settle = core.over(CommitLostBefore(core.store)).deliveries.settle
        with pytest.raises(CommitUnknown):
            await settle([], [mine.mark])
        assert (await settle([], [mine.mark])).granted == (False,)
        assert await core.sums(issue) == {DeliveryState.ATTEMPTING: 1}


class TestLeases:
    async def test_a_renewed_lease_lasts_on(self, core: Core) -> None:
        await core.published(ADA)
        (parcel,) = await core.parcels(urgent=False)
        core.clock.forward(POLICY.lease_lasts - timedelta(seconds=1))
        assert await core.application.deliveries.renew(parcel.delivery.lease)
        core.clock.forward(POLICY.lease_lasts - timedelta(seconds=1))
        assert await mark(core, parcel) == (True,)

    async def test_an_ended_lease_cannot_be_renewed(self, core: Core) -> None:
        await core.published(ADA)
        (parcel,) = await core.parcels(urgent=False)
        core.clock.forward(POLICY.lease_lasts)
        assert not await core.application.deliveries.renew(parcel.delivery.lease)

    async def test_what_is_given_back_can_be_claimed_at_once(self, core: Core) -> None:
        await core.published("a@example.com", "b@example.com")
        first, second = await core.parcels(urgent=False)
        await mark(core, first)
        assert await core.application.deliveries.release(first.delivery.lease) == Expired(returned=1, uncertain=1)
        assert [parcel.delivery.key for parcel in await core.parcels(urgent=False)] == [second.delivery.key]

    async def test_a_dead_workers_deliveries_are_taken_back(self, core: Core) -> None:
        await core.published("a@example.com")
        await core.parcels(urgent=False)
        assert await core.application.jobs.expire_leases() == Expired(returned=0, uncertain=0)
        core.clock.forward(POLICY.lease_lasts)
        assert await core.application.jobs.expire_leases() == Expired(returned=1, uncertain=0)
        assert len(await core.parcels(urgent=False)) == 1

    async def test_what_is_due_or_held_is_counted(self, core: Core) -> None:
        count = core.application.deliveries.count_unfinished
        assert await count() == 0
        await core.published("a@example.com", "b@example.com")
        assert await count() == 2
        parcels = await core.parcels(urgent=False)
        await mark(core, parcels[0])
        await report(core, SENT, parcels[0])
        assert await count() == 1


async def test_the_backlog_names_every_kind_of_letter(core: Core) -> None:
    await core.application.subscribe(sign_up())
    backlog = await core.application.deliveries.read_backlog()
    assert backlog.keys() == set(LetterKind)
    assert backlog[LetterKind.CONFIRMATION].due == 1
    assert backlog[LetterKind.ISSUE] == NOTHING_DUE
