"""What a person does with a published issue: pausing, cancelling, sending again."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeAlias
from uuid import UUID

import attrs
import pytest

from tests.support.core import ADA, POLICY, SENT, Core
from zero2prod.testing.builders import new_id, origin
from zero2prod_core.application import Application
from zero2prod_core.domain.audit import Action, AuditEvent
from zero2prod_core.domain.deliveries import Deferred, DeliveryState, Rejected, Reply, SenderFault
from zero2prod_core.domain.issues import Issue, IssueState, PauseCause
from zero2prod_core.domain.letters import Letter, LetterState
from zero2prod_core.errors import IssueUnknown, NothingToResend, TransitionRefused

NEVER = Rejected(Reply(550, "no"))
LATER = Deferred(Reply(450, "later"))
FAULT = SenderFault(Reply(530, "5.7.0 log in first"))

Verb: TypeAlias = Callable[[Application, UUID], Awaitable[Issue]]

VERBS: list[Verb] = [
    lambda application, id_: application.pause_issue(origin(), id_),
    lambda application, id_: application.resume_issue(origin(), id_),
    lambda application, id_: application.cancel_issue(origin(), id_),
    lambda application, id_: application.resend_issue(origin(), id_),
]
PAUSE, RESUME, CANCEL, RESEND = VERBS


async def now(core: Core) -> tuple[Issue, Letter]:
    """The one issue and its letter."""
    (issue,) = await core.application.list_issues()
    async with core.store.reading() as tx:
        return issue, (await tx.letters.get_batch([issue.letter]))[issue.letter]


async def last(core: Core) -> AuditEvent:
    return (await core.audit())[-1]


async def finished(core: Core, *readers: str) -> Issue:
    """An issue that is over, and failed for the first of its readers."""
    issue = await core.published(*readers)
    first, *others = sorted(await core.parcels(urgent=False), key=lambda parcel: parcel.delivery.email.text)
    await core.send(first, outcome=NEVER)
    await core.send(*others)
    assert await core.application.jobs.finish_issues() == 1
    return issue


@pytest.mark.parametrize("verb", VERBS, ids=["pause", "resume", "cancel", "resend"])
async def test_an_unknown_issue_is_refused(core: Core, verb: Verb) -> None:
    with pytest.raises(IssueUnknown):
        await verb(core.application, new_id())


class TestPausing:
    async def test_nothing_is_claimed_and_no_mark_granted_until_it_goes_on(self, core: Core) -> None:
        published = await core.published("a@example.com", "b@example.com")
        (first, second) = await core.parcels(urgent=False)
        await core.send(first)
        paused = await PAUSE(core.application, published.id)
        assert (await core.application.deliveries.settle([], [second.mark])).granted == (False,)
        assert await core.parcels(urgent=False) == []
        issue, letter = await now(core)
        assert issue == paused == attrs.evolve(published, state=IssueState.PAUSED, pause_cause=PauseCause.PERSON)
        assert (letter.state, letter.pause_reason) == (LetterState.PAUSED, None)
        assert await RESUME(core.application, published.id) == published
        await core.send(*await core.parcels(urgent=False))
        assert await core.sums(published) == {DeliveryState.SENT: 2}

    async def test_what_is_marked_already_ends_as_it_ends(self, core: Core) -> None:
        published = await core.published(ADA)
        (parcel,) = await core.parcels(urgent=False)
        await core.application.deliveries.settle([], [parcel.mark])
        await PAUSE(core.application, published.id)
        assert (await core.application.deliveries.settle([parcel.report(SENT)], [])).applied == (True,)

    async def test_one_event_says_who_did_it(self, core: Core) -> None:
        published = await core.published(ADA)
        known = len(await core.audit())
        await PAUSE(core.application, published.id)
        (event,) = (await core.audit())[known:]
        assert (event.action, event.resource.id, event.origin) == (Action.ISSUE_PAUSED, str(published.id), origin())

    async def test_however_long_it_was_paused_everyone_is_sent_to(self, core: Core) -> None:
        published = await core.published("a@example.com", "b@example.com", "c@example.com")
        (first, *_) = await core.parcels(urgent=False)
        await core.send(first)
        await core.application.deliveries.release(first.delivery.lease)
        await PAUSE(core.application, published.id)
        core.clock.forward(POLICY.give_up_after + timedelta(days=1))
        await RESUME(core.application, published.id)
        await core.send(*await core.parcels(urgent=False))
        assert await core.sums(published) == {DeliveryState.SENT: 3}

    async def test_what_is_first_tried_after_a_long_pause_has_all_its_retries(self, core: Core) -> None:
        published = await core.published(ADA)
        await PAUSE(core.application, published.id)
        core.clock.forward(POLICY.give_up_after + timedelta(days=1))
        await RESUME(core.application, published.id)
        await core.send(*await core.parcels(urgent=False), outcome=LATER)
        assert await core.sums(published) == {DeliveryState.DEFERRED: 1}

    async def test_one_that_does_not_send_is_refused(self, core: Core) -> None:
        published = await core.published(ADA)
        await PAUSE(core.application, published.id)
        known = await core.audit()
        with pytest.raises(TransitionRefused, match="cannot pause while paused"):
            await PAUSE(core.application, published.id)
        assert await core.audit() == known

    async def test_a_paused_issue_is_not_finished(self, core: Core) -> None:
        published = await core.published()
        await PAUSE(core.application, published.id)
        assert await core.application.jobs.finish_issues() == 0


class TestCancelling:
    async def test_what_waits_is_cancelled_by_the_job_and_what_went_stays(self, core: Core) -> None:
        published = await core.published("a@example.com", "b@example.com", "c@example.com")
        first, second, _ = await core.parcels(urgent=False)
        await core.send(first)
        await CANCEL(core.application, published.id)
        assert (await core.application.deliveries.settle([], [second.mark])).granted == (False,)
        assert await core.sums(published) == {
            DeliveryState.SENT: 1,
            DeliveryState.CANCELLED: 1,
            DeliveryState.LEASED: 1,
        }
        await core.application.deliveries.release(second.delivery.lease)
        assert await core.application.jobs.cancel_deliveries() == 1
        assert await core.sums(published) == {DeliveryState.SENT: 1, DeliveryState.CANCELLED: 2}
        assert await core.application.jobs.cancel_deliveries() == 0

    async def test_a_paused_one_too_and_its_reason_goes(self, core: Core) -> None:
        published = await core.published(ADA)
        await core.send(*await core.parcels(urgent=False), outcome=FAULT)
        assert (await now(core))[0].pause_reason
        await CANCEL(core.application, published.id)
        issue, letter = await now(core)
        assert (issue.state, issue.pause_reason, issue.pause_cause) == (IssueState.CANCELLED, None, None)
        assert (letter.state, letter.pause_reason) == (LetterState.CLOSED, None)
        assert await core.application.jobs.finish_issues() == 0

    async def test_one_event_says_who_did_it_and_where_it_stood(self, core: Core) -> None:
        published = await core.published(ADA)
        await CANCEL(core.application, published.id)
        event = await last(core)
        assert (event.action, event.resource.id, event.origin) == (Action.ISSUE_CANCELLED, str(published.id), origin())
        assert event.before == {"state": "sending"}

    @pytest.mark.parametrize("verb", VERBS, ids=["pause", "resume", "cancel", "resend"])
    async def test_it_never_goes_on(self, core: Core, verb: Verb) -> None:
        published = await core.published(ADA)
        await CANCEL(core.application, published.id)
        with pytest.raises(TransitionRefused, match="while cancelled"):
            await verb(core.application, published.id)

    async def test_a_finished_one_is_refused(self, core: Core) -> None:
        published = await finished(core, ADA)
        with pytest.raises(TransitionRefused, match="cannot cancel while finished"):
            await CANCEL(core.application, published.id)


class TestSendingAgain:
    async def test_failed_mails_are_tried_once_more_and_no_others(self, core: Core) -> None:
        published = await finished(core, "a@example.com", "b@example.com")
        again = await RESEND(core.application, published.id)
        issue, letter = await now(core)
        assert issue == again == published
        assert letter.state is LetterState.OPEN
        (parcel,) = await core.parcels(urgent=False)
        assert (parcel.delivery.email.text, parcel.delivery.attempt) == ("a@example.com", 1)
        await core.send(parcel)
        assert await core.application.jobs.finish_issues() == 1
        assert await core.sums(published) == {DeliveryState.SENT: 2}

    async def test_they_are_given_up_as_late_as_those_of_a_new_issue(self, core: Core) -> None:
        published = await finished(core, ADA)
        core.clock.forward(2 * POLICY.give_up_after)
        await RESEND(core.application, published.id)
        (parcel,) = await core.parcels(urgent=False)
        await core.send(parcel, outcome=LATER)
        core.clock.forward(POLICY.give_up_after - timedelta(seconds=1))
        (again,) = await core.parcels(urgent=False)
        assert (again.delivery.key, again.delivery.attempt) == (parcel.delivery.key, 2)
        await core.send(again, outcome=LATER)
        assert await core.sums(published) == {DeliveryState.FAILED: 1}

    async def test_one_event_says_how_many(self, core: Core) -> None:
        published = await finished(core, ADA)
        await RESEND(core.application, published.id)
        event = await last(core)
        assert (event.action, event.resource.id, event.origin) == (Action.ISSUE_RESENT, str(published.id), origin())
        assert event.after == {"failed": 1}

    async def test_where_none_has_failed_nothing_changes(self, core: Core) -> None:
        published = await core.published(ADA)
        await core.send(*await core.parcels(urgent=False))
        await core.application.jobs.finish_issues()
        before, known = await now(core), await core.audit()
        with pytest.raises(NothingToResend):
            await RESEND(core.application, published.id)
        assert (await now(core), await core.audit()) == (before, known)

    async def test_one_that_still_sends_is_refused(self, core: Core) -> None:
        published = await core.published(ADA)
        await core.send(*await core.parcels(urgent=False), outcome=NEVER)
        with pytest.raises(TransitionRefused, match="cannot resend while sending"):
            await RESEND(core.application, published.id)


class TestFinishing:
    async def test_mails_that_were_sent_again_just_before_keep_it_open(
        self, core: Core, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The store may have looked for issues that are done before the mails were, and locked them after."""
        published = await core.published(ADA)

        async def done_before(*_: object) -> list[Issue]:
            return [published]

        monkeypatch.setattr("adapters_memory.issues.InMemoryIssueRepository.done", done_before)
        assert await core.application.jobs.finish_issues() == 0
        assert (await now(core))[0].state is IssueState.SENDING
