"""Mails whose answer was lost: shown to a person, who decides."""

from datetime import timedelta

import attrs
import pytest

from tests.support.core import POLICY, SENT, Core
from zero2prod.testing.builders import new_id, origin
from zero2prod_core.domain.audit import Action
from zero2prod_core.domain.deliveries import RESEND_AFTER, DeliveryState, Rejected, Reply, Resolution, Uncertain
from zero2prod_core.domain.issues import Issue, IssueState
from zero2prod_core.domain.letters import UncertainPolicy
from zero2prod_core.errors import IssueUnknown, TransitionRefused
from zero2prod_core.ports.mailer import Parcel

LOST = Uncertain(Reply(None, "connection lost"))
NEVER = Rejected(Reply(550, "5.2.2 mailbox full"))
RESEND, ACCEPT = Resolution.RESEND, Resolution.ACCEPT
A, B, C = (f"{name}@example.com" for name in "abc")


@pytest.fixture
def core() -> Core:
    """Nothing is sent again by itself."""
    return Core(policy=attrs.evolve(POLICY, uncertain=UncertainPolicy.HOLD))


async def in_doubt(core: Core, *readers: str) -> tuple[Issue, list[Parcel]]:
    """An issue of which every answer was lost, and its mails in the order of recipients."""
    issue = await core.published(*readers)
    parcels = sorted(await core.parcels(urgent=False), key=lambda parcel: parcel.delivery.key)
    await core.send(*parcels, outcome=LOST)
    return issue, parcels


async def state(core: Core) -> IssueState:
    (issue,) = await core.application.list_issues()
    return issue.state


class TestListing:
    async def test_each_says_whom_it_was_for_and_what_was_heard(self, core: Core) -> None:
        issue, parcels = await in_doubt(core, A, B)
        listed = await core.application.list_uncertain(issue.id)
        assert [each.key for each in listed] == [parcel.delivery.key for parcel in parcels]
        assert [each.email for each in listed] == [parcel.delivery.email for parcel in parcels]
        assert {(each.attempts, each.reply) for each in listed} == {(1, LOST.reply)}
        assert {each.resend_at for each in listed} == {core.clock.now + RESEND_AFTER}

    async def test_they_come_page_by_page(self, core: Core) -> None:
        issue, parcels = await in_doubt(core, A, B, C)
        first = await core.application.list_uncertain(issue.id, 2)
        second = await core.application.list_uncertain(issue.id, 2, after=first[-1].key.recipient)
        assert [each.key for each in [*first, *second]] == [parcel.delivery.key for parcel in parcels]
        assert await core.application.list_uncertain(issue.id, 2, after=second[-1].key.recipient) == []

    async def test_an_issue_without_doubts_has_none(self, core: Core) -> None:
        issue = await core.published(A)
        assert await core.application.list_uncertain(issue.id) == []

    async def test_an_unknown_issue_is_refused(self, core: Core) -> None:
        with pytest.raises(IssueUnknown):
            await core.application.list_uncertain(new_id())


class TestFailures:
    async def test_each_says_whom_it_was_for_and_what_was_heard_page_by_page(self, core: Core) -> None:
        issue = await core.published(A, B, C)
        parcels = sorted(await core.parcels(urgent=False), key=lambda parcel: parcel.delivery.key)
        await core.send(*parcels, outcome=NEVER)
        first = await core.application.list_failures(issue.id, 2)
        second = await core.application.list_failures(issue.id, 2, after=first[-1].key.recipient)
        assert [each.email for each in [*first, *second]] == [parcel.delivery.email for parcel in parcels]
        assert {(each.attempts, each.reply) for each in [*first, *second]} == {(1, NEVER.reply)}

    async def test_an_unknown_issue_is_refused(self, core: Core) -> None:
        with pytest.raises(IssueUnknown):
            await core.application.list_failures(new_id())


class TestWaitingForLong:
    async def test_a_mail_that_is_sent_once_more_after_days_is_sent(self, core: Core) -> None:
        issue, _ = await in_doubt(core, A, B)
        core.clock.forward(POLICY.give_up_after + timedelta(days=1))
        assert await core.application.resolve_uncertain(origin(), issue.id, RESEND) == 2
        await core.send(*await core.parcels(urgent=False))
        assert (await core.application.show_issue(issue.id)).sums == {DeliveryState.SENT: 2}

    async def test_a_letter_that_resends_comes_back_after_its_time_to_be_given_up_and_is_sent(self) -> None:
        core = Core(policy=attrs.evolve(POLICY, give_up_after=RESEND_AFTER / 2))
        issue, _ = await in_doubt(core, A)
        core.clock.forward(2 * RESEND_AFTER)
        await core.application.jobs.expire_leases()
        await core.send(*await core.parcels(urgent=False))
        progress = await core.application.show_issue(issue.id)
        assert (progress.sums, progress.possibly_twice) == ({DeliveryState.SENT: 1}, 1)


class TestAccepting:
    async def test_a_mail_that_is_believed_to_have_arrived_counts_as_sent_and_not_as_twice(self, core: Core) -> None:
        issue, _ = await in_doubt(core, A, B)
        assert await core.application.resolve_uncertain(origin(), issue.id, ACCEPT) == 2
        progress = await core.application.show_issue(issue.id)
        assert (progress.sums, progress.possibly_twice) == ({DeliveryState.SENT: 2}, 0)

    async def test_a_finished_issue_stays_so(self, core: Core) -> None:
        issue, _ = await in_doubt(core, A)
        await core.application.jobs.finish_issues()
        await core.application.resolve_uncertain(origin(), issue.id, ACCEPT)
        assert await state(core) is IssueState.FINISHED

    async def test_a_cancelled_ones_doubts_can_be_accepted(self, core: Core) -> None:
        issue, _ = await in_doubt(core, A)
        await core.application.cancel_issue(origin(), issue.id)
        assert await core.application.resolve_uncertain(origin(), issue.id, ACCEPT) == 1
        assert await core.sums(issue) == {DeliveryState.SENT: 1}


class TestResending:
    async def test_only_the_chosen_are_sent_once_more(self, core: Core) -> None:
        issue, parcels = await in_doubt(core, A, B, C)
        chosen = parcels[1]
        keys = {chosen.delivery.key.recipient, new_id()}
        assert await core.application.resolve_uncertain(origin(), issue.id, RESEND, keys) == 1
        (again,) = await core.parcels(urgent=False)
        assert (again.delivery.key, again.message_id) == (chosen.delivery.key, chosen.message_id)
        await core.send(again)
        progress = await core.application.show_issue(issue.id)
        assert progress.sums == {DeliveryState.SENT: 1, DeliveryState.UNCERTAIN: 2}
        assert progress.possibly_twice == 1

    async def test_a_finished_issue_sends_again_until_they_are_done(self, core: Core) -> None:
        issue, _ = await in_doubt(core, A)
        await core.application.jobs.finish_issues()
        await core.application.resolve_uncertain(origin(), issue.id, RESEND)
        assert (await state(core), await core.application.jobs.finish_issues()) == (IssueState.SENDING, 0)
        await core.send(*await core.parcels(urgent=False))
        assert (await core.application.jobs.finish_issues(), await state(core)) == (1, IssueState.FINISHED)

    async def test_a_paused_ones_go_when_it_is_resumed(self, core: Core) -> None:
        issue, _ = await in_doubt(core, A)
        await core.application.pause_issue(origin(), issue.id)
        assert await core.application.resolve_uncertain(origin(), issue.id, RESEND) == 1
        assert await core.parcels(urgent=False) == []
        await core.application.resume_issue(origin(), issue.id)
        assert len(await core.parcels(urgent=False)) == 1

    async def test_a_cancelled_ones_are_refused_and_stay_in_doubt(self, core: Core) -> None:
        issue, _ = await in_doubt(core, A)
        await core.application.cancel_issue(origin(), issue.id)
        with pytest.raises(TransitionRefused, match="while cancelled"):
            await core.application.resolve_uncertain(origin(), issue.id, RESEND)
        assert await core.sums(issue) == {DeliveryState.UNCERTAIN: 1}

    async def test_a_250_that_came_late_ends_the_doubt(self, core: Core) -> None:
        issue, (parcel,) = await in_doubt(core, A)
        core.clock.forward(timedelta(days=1))
        assert (await core.application.deliveries.settle([parcel.report(SENT)], [])).applied == (True,)
        progress = await core.application.show_issue(issue.id)
        assert (progress.sums, progress.possibly_twice) == ({DeliveryState.SENT: 1}, 0)


class TestDeciding:
    @pytest.mark.parametrize("resolution", list(Resolution))
    async def test_one_event_says_who_decided_what_and_about_how_many(self, core: Core, resolution: Resolution) -> None:
        issue, _ = await in_doubt(core, A, B)
        known = len(await core.audit())
        await core.application.resolve_uncertain(origin(), issue.id, resolution)
        (event,) = (await core.audit())[known:]
        assert (event.action, event.resource.id, event.origin) == (Action.ISSUE_RESOLVED, str(issue.id), origin())
        assert event.after == {"resolution": resolution.value, "deliveries": 2}

    @pytest.mark.parametrize("resolution", list(Resolution))
    async def test_where_nothing_is_in_doubt_nothing_changes(self, core: Core, resolution: Resolution) -> None:
        issue = await core.published(A)
        await core.send(*await core.parcels(urgent=False))
        await core.application.jobs.finish_issues()
        known = await core.audit()
        assert await core.application.resolve_uncertain(origin(), issue.id, resolution) == 0
        assert (await state(core), await core.audit()) == (IssueState.FINISHED, known)

    async def test_an_unknown_issue_is_refused(self, core: Core) -> None:
        with pytest.raises(IssueUnknown):
            await core.application.resolve_uncertain(origin(), new_id(), ACCEPT)
