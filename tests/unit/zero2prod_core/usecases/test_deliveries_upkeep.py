"""What jobs do with deliveries that nobody waits for any more."""

from datetime import timedelta

import pytest

from tests.support.core import POLICY, Core
from zero2prod.testing.builders import origin
from zero2prod_core.domain.audit import Action
from zero2prod_core.domain.deliveries import DeliveryState, Rejected, Reply
from zero2prod_core.domain.issues import Issue


class TestCompacting:
    async def over_for(self, core: Core, time: timedelta) -> Issue:
        """An issue to two readers that finished so long ago: one mail was sent, one failed."""
        issue = await core.published("a@example.com", "b@example.com")
        first, second = await core.parcels(urgent=False)
        await core.send(first)
        await core.send(second, outcome=Rejected(Reply(550, "no")))
        await core.application.jobs.finish_issues()
        core.clock.forward(time)
        return issue

    async def test_what_is_over_for_longer_than_the_retention_becomes_sums(self, core: Core) -> None:
        issue = await self.over_for(core, POLICY.retention + timedelta(seconds=1))
        confirmations = 2
        assert await core.application.jobs.compact_deliveries() == 1 + confirmations
        assert await core.sums(issue) == {DeliveryState.SENT: 1, DeliveryState.FAILED: 1}
        assert await core.application.jobs.compact_deliveries() == 0

    async def test_what_failed_can_be_sent_again_all_the_same(self, core: Core) -> None:
        issue = await self.over_for(core, 2 * POLICY.retention)
        await core.application.jobs.compact_deliveries()
        await core.application.resend_issue(origin(), issue.id)
        await core.send(*await core.parcels(urgent=False))
        assert await core.sums(issue) == {DeliveryState.SENT: 2}

    async def test_until_then_every_delivery_is_kept(self, core: Core) -> None:
        await self.over_for(core, POLICY.retention)
        known = await core.audit()
        assert await core.application.jobs.compact_deliveries() == 0
        assert await core.audit() == known

    async def test_one_event_for_each_transaction_says_how_many(
        self, core: Core, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("zero2prod_core.usecases.deliveries.CHANGED_AT_ONCE", 2)
        await self.over_for(core, 2 * POLICY.retention)
        known = len(await core.audit())
        assert await core.application.jobs.compact_deliveries() == 3
        events = (await core.audit())[known:]
        assert [(event.action, event.after) for event in events] == [
            (Action.COMPACTED, {"deliveries": 2}),
            (Action.COMPACTED, {"deliveries": 1}),
        ]


async def test_cancelling_goes_on_until_nothing_waits_any_more(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zero2prod_core.usecases.deliveries.CHANGED_AT_ONCE", 2)
    issue = await core.published("a@example.com", "b@example.com", "c@example.com")
    await core.application.cancel_issue(origin(), issue.id)
    assert await core.application.jobs.cancel_deliveries() == 3
    assert await core.sums(issue) == {DeliveryState.CANCELLED: 3}
