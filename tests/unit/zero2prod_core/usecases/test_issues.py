"""Publishing once, whatever happens to the request, and finishing."""

import asyncio
from datetime import timedelta

import attrs
import pytest

from tests.support.core import POLICY, Core, publication
from zero2prod.testing.builders import idempotency_record, new_id, origin
from zero2prod.testing.faults import CommitLostAfter, CommitLostBefore
from zero2prod_core.domain.audit import Action
from zero2prod_core.domain.breakers import Breaker, BreakerKey
from zero2prod_core.domain.deliveries import DeliveryState, Reply, Scope, SenderFault, Uncertain
from zero2prod_core.domain.idempotency import IdempotencyKey
from zero2prod_core.domain.issues import Content, Issue, IssueState
from zero2prod_core.domain.letters import Letter, LetterState, UncertainPolicy
from zero2prod_core.domain.limits import DomainRates
from zero2prod_core.domain.subscribers import Event
from zero2prod_core.errors import (
    CommitUnknown,
    Defect,
    FieldInvalid,
    IdempotencyKeyReused,
    IssueUnknown,
    NewsletterUnknown,
    TransitionRefused,
)

LOST = Uncertain(Reply(None, "lost"))


async def letter_of(core: Core, id_: object) -> Letter:
    async with core.store.reading() as tx:
        issue = next(issue for issue in await tx.issues.list(10) if issue.id == id_)
        return (await tx.letters.get_batch([issue.letter]))[issue.letter]


class TestPublishing:
    async def test_every_confirmed_reader_gets_a_delivery_and_nobody_else(self, core: Core) -> None:
        left = await core.confirmed("left@example.com")
        await core.save(left.on(Event.UNSUBSCRIBE))
        await core.token("pending@example.com")
        issue = await core.published("a@example.com", "b@example.com")
        assert (issue.state, issue.audience, issue.published_at) == (IssueState.SENDING, 2, core.clock.now)
        assert await core.sums(issue) == {DeliveryState.PENDING: 2}
        parcels = await core.parcels(urgent=False)
        assert {parcel.delivery.email.text for parcel in parcels} == {"a@example.com", "b@example.com"}

    async def test_a_slot_must_be_for_a_field_that_the_newsletter_asks_for(self, core: Core) -> None:
        words = Content.parse("News for {{ subscriber.fields.city }}", "Hi")
        wanted = attrs.evolve(publication(), content=words)
        with pytest.raises(FieldInvalid, match=r"^title: has .*fields\.city"):
            await core.application.publish(wanted, origin())
        await core.application.edit_newsletter(origin(), "default", fields='city: text "City"')
        assert (await core.application.publish(wanted, origin())).title == "News for {{ subscriber.fields.city }}"

    async def test_what_was_published_is_answered_again_whatever_is_asked_for_now(self, core: Core) -> None:
        words = Content.parse("News", "For {{ subscriber.fields.city }}")
        wanted = attrs.evolve(publication(), content=words)
        await core.application.edit_newsletter(origin(), "default", fields='city: text "City"')
        issue = await core.application.publish(wanted, origin())
        await core.application.edit_newsletter(origin(), "default", fields="")
        assert await core.application.publish(wanted, origin()) == issue

    async def test_its_letter_says_what_the_author_wrote_and_is_dated(self, core: Core) -> None:
        issue = await core.published("a@example.com")
        said = await letter_of(core, issue.id)
        assert (said.subject, said.text, said.html) == ("News", "Some words.", None)
        assert (said.issue, said.dated_at, said.uncertain) == (issue.id, core.clock.now, UncertainPolicy.RESEND)

    async def test_what_happens_to_uncertain_mails_is_the_operators_policy(self) -> None:
        core = Core(policy=attrs.evolve(POLICY, uncertain=UncertainPolicy.HOLD))
        issue = await core.published()
        assert (await letter_of(core, issue.id)).uncertain is UncertainPolicy.HOLD

    async def test_exactly_one_event_is_audited(self, core: Core) -> None:
        await core.confirmed("a@example.com")
        known = len(await core.audit())
        issue = await core.application.publish(publication(), origin())
        (event,) = (await core.audit())[known:]
        assert (event.action, event.resource.id) == (Action.ISSUE_PUBLISHED, str(issue.id))
        assert (event.origin, event.after) == (origin(), {"state": "sending", "audience": 1})

    async def test_an_unknown_newsletter_is_refused(self, core: Core) -> None:
        with pytest.raises(NewsletterUnknown):
            await core.application.publish(publication(newsletter="weekly"), origin())
        assert await core.application.list_issues() == []
        assert await core.audit() == []


class TestPublishingTwice:
    async def test_the_same_again_returns_the_same_issue(self, core: Core) -> None:
        await core.confirmed("a@example.com")
        first = await core.application.publish(publication(), origin())
        audit = await core.audit()
        core.clock.forward(timedelta(hours=1))
        assert await core.application.publish(publication(), origin()) == first
        assert await core.application.list_issues() == [first]
        assert await core.sums(first) == {DeliveryState.PENDING: 1}
        assert await core.audit() == audit

    async def test_at_the_same_time_too(self, core: Core) -> None:
        await core.confirmed("a@example.com")
        issues = await asyncio.gather(*(core.application.publish(publication(), origin()) for _ in range(5)))
        assert len({issue.id for issue in issues}) == 1
        assert await core.sums(issues[0]) == {DeliveryState.PENDING: 1}
        assert (await core.actions()).count(Action.ISSUE_PUBLISHED) == 1

    async def test_another_key_publishes_another_issue(self, core: Core) -> None:
        first = await core.application.publish(publication(key="one"), origin())
        second = await core.application.publish(publication(key="two"), origin())
        assert [issue.id for issue in await core.application.list_issues()] == [second.id, first.id]

    async def test_other_content_under_the_key_is_refused_and_changes_nothing(self, core: Core) -> None:
        first = await core.application.publish(publication("News"), origin())
        with pytest.raises(IdempotencyKeyReused, match=r"^idempotency_key: already used for other content"):
            await core.application.publish(publication("Other news"), origin())
        assert await core.application.list_issues() == [first]
        assert await core.actions() == [Action.ISSUE_PUBLISHED]

    async def test_a_key_belongs_to_one_newsletter(self, core: Core) -> None:
        await core.application.create_newsletter(origin(), "weekly", "Weekly")
        first = await core.application.publish(publication(), origin())
        second = await core.application.publish(publication(newsletter="weekly"), origin())
        assert first.id != second.id

    async def test_a_record_without_its_issue_is_a_defect(self, core: Core) -> None:
        record = idempotency_record(key=IdempotencyKey("key-1"), fingerprint=publication().content.fingerprint)
        async with core.store() as tx:
            await tx.idempotency.claim(record)
        with pytest.raises(Defect, match="does not exist"):
            await core.application.publish(publication(), origin())


class TestCommitsOfUnknownOutcome:
    @pytest.mark.parametrize("fault", [CommitLostBefore, CommitLostAfter])
    async def test_the_issue_is_published_once(
        self, core: Core, fault: type[CommitLostBefore] | type[CommitLostAfter]
    ) -> None:
        await core.confirmed("a@example.com")
        issue = await core.over(fault(core.store)).publish(publication(), origin())
        assert [found.id for found in await core.application.list_issues()] == [issue.id]
        assert await core.sums(issue) == {DeliveryState.PENDING: 1}
        assert (await core.actions()).count(Action.ISSUE_PUBLISHED) == 1

    async def test_a_second_loss_is_told_and_the_key_still_publishes_once(self, core: Core) -> None:
        unlucky = core.over(CommitLostAfter(core.store, [True, True]))
        with pytest.raises(CommitUnknown):
            await unlucky.publish(publication(), origin())
        issue = await unlucky.publish(publication(), origin())
        assert [found.id for found in await core.application.list_issues()] == [issue.id]


class TestReading:
    async def test_issues_are_listed_newest_first_page_by_page(self, core: Core) -> None:
        first, second, third = [await core.published() for _ in range(3)]
        assert await core.application.list_issues(2) == [third, second]
        assert await core.application.list_issues(2, before=second.id) == [first]

    async def test_an_issue_is_shown_with_sums_that_add_up_to_its_audience(self, core: Core) -> None:
        issue = await core.published("a@example.com", "b@example.com")
        await core.send((await core.parcels(urgent=False))[0])
        progress = await core.application.show_issue(issue.id)
        assert progress.sums == {DeliveryState.SENT: 1, DeliveryState.LEASED: 1}
        assert sum(progress.sums.values()) == progress.issue.audience

    async def test_an_unknown_issue_is_refused(self, core: Core) -> None:
        with pytest.raises(IssueUnknown):
            await core.application.show_issue(new_id())

    async def test_it_says_what_is_held_back_now_and_nothing_of_a_relay_that_is_used_no_more(self, core: Core) -> None:
        issue, now = await core.published("a@example.com"), core.clock.now
        relay, former, slow, over = (
            Breaker(BreakerKey(scope, subject), now + timedelta(minutes=minutes), 1, "not now")
            for scope, subject, minutes in (
                (Scope.RELAY, POLICY.relay, 1),
                (Scope.RELAY, "former.example.net:587", 1),
                (Scope.DOMAIN, "slow.example", 1),
                (Scope.DOMAIN, "well.example", 0),
            )
        )
        async with core.store() as tx:
            await tx.breakers.add_batch([relay, former, slow, over])
        assert (await core.application.show_issue(issue.id)).held_back == [relay, slow]


class TestResuming:
    async def paused(self, core: Core) -> Issue:
        issue = await core.published("a@example.com")
        await core.send(*await core.parcels(urgent=False), outcome=SenderFault(Reply(530, "5.7.0 log in first")))
        return issue

    async def test_it_goes_on_where_it_paused(self, core: Core) -> None:
        issue = await self.paused(core)
        resumed = await core.application.resume_issue(origin(), issue.id)
        assert resumed == issue
        assert await core.application.list_issues() == [issue]
        assert (await letter_of(core, issue.id)).state is LetterState.OPEN
        assert (await letter_of(core, issue.id)).pause_reason is None
        core.clock.forward(timedelta(minutes=1))
        await core.send(*await core.parcels(urgent=False))
        assert await core.sums(issue) == {DeliveryState.SENT: 1}

    async def test_one_event_says_who_did_it_and_why_it_had_paused(self, core: Core) -> None:
        issue = await self.paused(core)
        known = len(await core.audit())
        await core.application.resume_issue(origin(), issue.id)
        (event,) = (await core.audit())[known:]
        assert (event.action, event.resource.id) == (Action.ISSUE_RESUMED, str(issue.id))
        assert (event.origin, event.reason) == (origin(), "5.7.0 log in first")

    async def test_one_that_has_not_paused_is_refused_and_changes_nothing(self, core: Core) -> None:
        issue = await core.published("a@example.com")
        known = await core.audit()
        with pytest.raises(TransitionRefused, match="cannot resume while sending"):
            await core.application.resume_issue(origin(), issue.id)
        assert await core.audit() == known

    async def test_an_unknown_one_is_refused(self, core: Core) -> None:
        with pytest.raises(IssueUnknown):
            await core.application.resume_issue(origin(), new_id())


class TestFinishing:
    async def test_nothing_is_finished_while_a_delivery_is_under_way(self, core: Core) -> None:
        await core.published("a@example.com")
        assert await core.application.jobs.finish_issues() == 0
        await core.parcels(urgent=False)
        assert await core.application.jobs.finish_issues() == 0

    async def test_an_issue_is_finished_when_all_is_sent_and_its_letter_closed(self, core: Core) -> None:
        issue = await core.published("a@example.com", "b@example.com")
        await core.send(*await core.parcels(urgent=False))
        core.clock.forward(timedelta(minutes=1))
        assert await core.application.jobs.finish_issues() == 1
        (found,) = await core.application.list_issues()
        assert found == attrs.evolve(issue, state=IssueState.FINISHED, finished_at=core.clock.now)
        assert (await letter_of(core, issue.id)).state is LetterState.CLOSED

    async def test_one_event_holds_the_sums(self, core: Core) -> None:
        issue = await core.published("a@example.com", "b@example.com")
        await core.send(*await core.parcels(urgent=False))
        await core.application.jobs.finish_issues()
        event = (await core.audit())[-1]
        assert (event.action, event.resource.id, event.after) == (Action.ISSUE_FINISHED, str(issue.id), {"sent": 2})
        assert await core.application.jobs.finish_issues() == 0
        assert (await core.actions()).count(Action.ISSUE_FINISHED) == 1

    async def test_an_issue_without_readers_is_finished_at_once(self, core: Core) -> None:
        await core.published()
        assert await core.application.jobs.finish_issues() == 1

    async def test_a_mail_that_will_be_sent_once_more_is_waited_for(self, core: Core) -> None:
        issue = await core.published("a@example.com")
        await core.send(*await core.parcels(urgent=False), outcome=LOST)
        assert await core.sums(issue) == {DeliveryState.UNCERTAIN: 1}
        assert await core.application.jobs.finish_issues() == 0
        core.clock.forward(timedelta(minutes=5))
        await core.application.jobs.expire_leases()
        await core.send(*await core.parcels(urgent=False))
        assert await core.application.jobs.finish_issues() == 1

    async def test_a_mail_that_a_person_decides_about_is_not_waited_for(self) -> None:
        core = Core(policy=attrs.evolve(POLICY, uncertain=UncertainPolicy.HOLD))
        issue = await core.published("a@example.com")
        await core.send(*await core.parcels(urgent=False), outcome=LOST)
        assert await core.application.jobs.finish_issues() == 1
        assert await core.sums(issue) == {DeliveryState.UNCERTAIN: 1}


@pytest.mark.parametrize(
    ("rates", "limited"), [("off", False), ("20/s", True), ("off, example.com=1/s", True), ("example.com=off", False)]
)
async def test_an_issue_says_whether_rates_may_hold_it_back(rates: str, limited: bool) -> None:
    parsed = DomainRates.parse(rates, "RATES")
    for policy in (attrs.evolve(POLICY, recipient_rates=parsed), attrs.evolve(POLICY, sender_rates=parsed)):
        core = Core(policy=policy)
        issue = await core.published("a@example.com")
        progress = await core.application.show_issue(issue.id)
        assert (progress.limited, progress.waits_for_rates) == (limited, limited)
