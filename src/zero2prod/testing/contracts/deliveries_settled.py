from collections.abc import Callable
from datetime import timedelta

import attrs
import pytest

from zero2prod.testing.builders import T0, delivery, later, new_id
from zero2prod.testing.contract import Contract
from zero2prod.testing.contracts.beginnings import (
    AT_LEASE_END,
    BLAMED,
    BUSY,
    DEAD,
    FAULT,
    GREY,
    JUST,
    LATER,
    LOST,
    NEVER,
    OK,
    attempting,
    claimed,
)
from zero2prod.testing.ledger import mark, ruling
from zero2prod_core.domain.deliveries import (
    GIVE_UP_AFTER,
    PAUSES,
    RESEND_AFTER,
    Claimed,
    DeliveryState,
    Outcome,
    Scope,
)
from zero2prod_core.domain.letters import LetterState, UncertainPolicy
from zero2prod_core.domain.refusals import Recent
from zero2prod_core.ports.deliveries import Expired, Settled

PENDING, DEFERRED, LEASED = DeliveryState.PENDING, DeliveryState.DEFERRED, DeliveryState.LEASED
ATTEMPTING, UNCERTAIN, SENT = DeliveryState.ATTEMPTING, DeliveryState.UNCERTAIN, DeliveryState.SENT
FAILED = DeliveryState.FAILED


class ResultsContract(Contract):
    """What the outcome of an attempt makes of its row."""

    @pytest.mark.parametrize(
        ("outcome", "state"),
        [
            (OK, SENT),
            (LATER, DEFERRED),
            (NEVER, FAILED),
            (DEAD, FAILED),
            (BUSY, PENDING),
            (GREY, PENDING),
            (FAULT, PENDING),
            (LOST, UNCERTAIN),
        ],
        ids=["sent", "deferred", "rejected", "dead", "relay", "domain", "fault", "uncertain"],
    )
    async def test_a_result_applies_once(self, outcome: Outcome, state: DeliveryState) -> None:
        words, _, taken = await attempting(self.ledger)
        assert await self.ledger.report(taken, outcome, at=later(AT_LEASE_END - JUST))
        assert await self.ledger.sums(words) == {state: 1}
        assert not await self.ledger.report(taken, LATER)
        assert await self.ledger.sums(words) == {state: 1}

    @pytest.mark.parametrize(
        ("outcome", "state"),
        [(LATER, DEFERRED), (NEVER, FAILED), (BUSY, PENDING)],
        ids=["deferred", "rejected", "relay"],
    )
    async def test_a_result_may_come_before_the_mark(self, outcome: Outcome, state: DeliveryState) -> None:
        _, _, taken = await claimed(self.ledger)
        assert await self.ledger.report(taken, outcome)
        assert await self.ledger.state(taken.key) == state

    @pytest.mark.parametrize("outcome", [OK, LOST], ids=["sent", "uncertain"])
    async def test_a_mail_without_a_mark_was_not_completed(self, outcome: Outcome) -> None:
        _, _, taken = await claimed(self.ledger)
        assert not await self.ledger.report(taken, outcome)
        assert await self.ledger.state(taken.key) == LEASED

    @pytest.mark.parametrize(
        "stale",
        [
            lambda taken: attrs.evolve(taken, lease=new_id()),
            lambda taken: attrs.evolve(taken, attempt=taken.attempt + 1),
            lambda taken: attrs.evolve(taken, key=attrs.evolve(taken.key, occasion=new_id())),
        ],
        ids=["lease", "attempt", "row"],
    )
    async def test_a_result_of_another_claim_changes_nothing(self, stale: Callable[[Claimed], Claimed]) -> None:
        _, _, taken = await attempting(self.ledger)
        assert not await self.ledger.report(stale(taken), OK)
        assert await self.ledger.state(taken.key) == ATTEMPTING

    async def test_a_mail_that_was_taken_is_sent_even_when_its_lease_has_ended(self) -> None:
        _, _, taken = await attempting(self.ledger)
        assert await self.ledger.report(taken, OK, at=later(AT_LEASE_END))
        assert await self.ledger.state(taken.key) == SENT

    @pytest.mark.parametrize("outcome", [LATER, NEVER, LOST], ids=["deferred", "rejected", "uncertain"])
    async def test_under_an_ended_lease_no_other_result_applies(self, outcome: Outcome) -> None:
        _, _, taken = await attempting(self.ledger)
        assert not await self.ledger.report(taken, outcome, at=later(AT_LEASE_END))
        assert await self.ledger.state(taken.key) == ATTEMPTING

    async def test_a_deferred_row_is_due_when_its_schedule_says(self) -> None:
        _, _, taken = await attempting(self.ledger)
        assert await self.ledger.report(taken, LATER, at=later(10))
        assert await self.ledger.claim(at=later(309.999999)) == []
        (again,) = await self.ledger.claim(at=later(310))
        assert (again.key, again.attempt) == (taken.key, 2)

    @pytest.mark.parametrize(("outcome", "scope"), [(BUSY, Scope.RELAY), (GREY, Scope.DOMAIN), (FAULT, Scope.RELAY)])
    async def test_a_throttled_attempt_is_not_counted_and_waits(self, outcome: Outcome, scope: Scope) -> None:
        _, _, taken = await attempting(self.ledger)
        assert await self.ledger.report(taken, outcome)
        due = ruling(taken, outcome).retry_in
        assert due >= PAUSES[scope]
        assert await self.ledger.claim(at=T0 + due - timedelta(microseconds=1)) == []
        (again,) = await self.ledger.claim(at=T0 + due)
        assert again.attempt == 1

    async def test_a_deferred_row_that_could_only_be_too_late_fails_where_it_is_no_issues(self) -> None:
        words, (first, second) = await self.ledger.letter(), await self.ledger.readers(2)
        wait = timedelta(minutes=5)
        early, late = (
            delivery(words, first, new_id(), give_up_at=T0 + wait - timedelta(seconds=1)),
            delivery(words, second, new_id(), give_up_at=T0 + wait + timedelta(seconds=1)),
        )
        await self.ledger.enqueue(early, late)
        batch = await self.ledger.claim()
        await self.ledger.mark(*batch)
        settled = await self.ledger.settle([ruling(each, LATER) for each in batch], [])
        assert settled == Settled((True, True), ())
        assert await self.ledger.states([early.key, late.key]) == {early.key: FAILED, late.key: DEFERRED}

    async def test_an_issues_row_is_given_up_so_long_after_its_first_attempt(self) -> None:
        words, (reader,) = await self.ledger.letter(), await self.ledger.readers(1)
        row, start = delivery(words, reader, give_up_at=T0), timedelta(days=6)
        await self.ledger.enqueue(row)
        waits = [timedelta(0), timedelta(minutes=5), GIVE_UP_AFTER - timedelta(minutes=25)]
        states: list[DeliveryState | None] = []
        for wait in waits:
            (taken,) = await self.ledger.claim(at=T0 + start + wait)
            assert await self.ledger.report(taken, LATER, at=T0 + start + wait)
            states.append(await self.ledger.state(row.key))
        assert states == [DEFERRED, DEFERRED, FAILED]

    async def test_results_are_written_before_marks_are_granted(self) -> None:
        words, readers = await self.ledger.letter(), await self.ledger.readers(2)
        await self.ledger.enqueue(*(delivery(words, reader) for reader in readers))
        first, second = await self.ledger.claim()
        await self.ledger.mark(first)
        assert await self.ledger.settle([ruling(first, OK)], [mark(second)]) == Settled((True,), (True,))
        assert await self.ledger.states([first.key, second.key]) == {first.key: SENT, second.key: ATTEMPTING}

    @pytest.mark.parametrize(
        ("outcome", "state"),
        [(OK, SENT), (LATER, DEFERRED), (BUSY, PENDING), (LOST, UNCERTAIN)],
        ids=["sent", "deferred", "relay", "uncertain"],
    )
    async def test_a_row_that_is_ruled_on_gets_no_mark_beside_its_ruling(
        self, outcome: Outcome, state: DeliveryState
    ) -> None:
        _, _, taken = await attempting(self.ledger)
        settled = await self.ledger.settle([ruling(taken, outcome)], [mark(taken)])
        assert settled == Settled((True,), (False,))
        assert await self.ledger.state(taken.key) == state

    async def test_nothing_at_all_is_settled_too(self) -> None:
        assert await self.ledger.settle([], []) == Settled((), ())


class UncertainContract(Contract):
    """Rows of which nobody knows whether the mail arrived."""

    async def test_a_late_250_settles_the_same_attempt_whatever_its_lease(self) -> None:
        _, _, taken = await attempting(self.ledger)
        await self.ledger.expire(later(AT_LEASE_END))
        assert await self.ledger.report(taken, OK, at=later(100))
        assert await self.ledger.state(taken.key) == SENT

    @pytest.mark.parametrize("outcome", [LATER, NEVER, BUSY, LOST], ids=["deferred", "rejected", "relay", "uncertain"])
    async def test_no_other_late_result_settles_an_uncertain_row(self, outcome: Outcome) -> None:
        _, _, taken = await attempting(self.ledger)
        await self.ledger.report(taken, LOST)
        assert not await self.ledger.report(taken, outcome, at=later(1))
        assert await self.ledger.state(taken.key) == UNCERTAIN

    async def test_a_250_of_an_earlier_attempt_settles_no_uncertain_row(self) -> None:
        _, _, first = await attempting(self.ledger)
        await self.ledger.report(first, LATER)
        (second,) = await self.ledger.claim(at=later(300))
        await self.ledger.mark(second, at=later(300))
        await self.ledger.report(second, LOST, at=later(300))
        assert not await self.ledger.report(first, OK, at=later(301))
        assert await self.ledger.report(second, OK, at=later(301))

    async def test_an_uncertain_row_is_resent_after_a_while_as_a_new_attempt(self) -> None:
        words, _, taken = await attempting(self.ledger)
        await self.ledger.report(taken, LOST)
        due = T0 + RESEND_AFTER
        assert await self.ledger.expire(due - timedelta(microseconds=1)) == Expired(0, 0)
        assert await self.ledger.sums(words) == {UNCERTAIN: 1}
        await self.ledger.expire(due)
        assert await self.ledger.sums(words) == {PENDING: 1}
        (again,) = await self.ledger.claim(at=due)
        assert again.attempt == 2
        assert not await self.ledger.report(taken, OK, at=due)

    @pytest.mark.parametrize(
        ("policy", "state"),
        [(UncertainPolicy.HOLD, LetterState.OPEN), (UncertainPolicy.RESEND, LetterState.PAUSED)],
        ids=["held", "paused"],
    )
    async def test_an_uncertain_row_stays_while_its_letter_holds_it_or_is_paused(
        self, policy: UncertainPolicy, state: LetterState
    ) -> None:
        words, _, taken = await attempting(self.ledger, uncertain=policy)
        await self.ledger.report(taken, LOST)
        await self.ledger.save_letter(attrs.evolve(words, state=state))
        await self.ledger.expire(T0 + 10 * RESEND_AFTER)
        assert await self.ledger.sums(words) == {UNCERTAIN: 1}
        assert await self.ledger.report(taken, OK, at=T0 + 10 * RESEND_AFTER)


class RecentContract(Contract):
    """A letter's last outcomes, over all workers."""

    async def test_recent_are_the_sent_and_the_failed_latest_first(self) -> None:
        words, (reader, *others) = await self.ledger.letter(), await self.ledger.readers(6)
        await self.ledger.enqueue(*(delivery(words, each) for each in (reader, *others)))
        taken = await self.ledger.claim()
        await self.ledger.mark(*taken[:5])
        outcomes: list[Outcome] = [NEVER, BLAMED, OK, LATER, LOST]
        for place, outcome in enumerate(outcomes):
            await self.ledger.report(taken[place], outcome, at=later(place))
        assert await self.ledger.recent(words) == [
            Recent("example.com", refused=False),
            Recent("example.com", refused=True),
            Recent("example.com", refused=False),
        ]
        assert await self.ledger.recent(words, 1) == [Recent("example.com", refused=False)]

    async def test_who_was_never_tried_is_not_among_the_recent(self) -> None:
        words, _, taken = await claimed(self.ledger)
        await self.ledger.save_letter(attrs.evolve(words, state=LetterState.CLOSED))
        assert await self.ledger.mark(taken) == [False]
        assert await self.ledger.recent(words) == []

    async def test_each_letter_has_its_own_recent_outcomes(self) -> None:
        first, second = await attempting(self.ledger), await attempting(self.ledger)
        await self.ledger.report(first[2], BLAMED)
        assert await self.ledger.recent(first[0]) == [Recent("example.com", refused=True)]
        assert await self.ledger.recent(second[0]) == []

    async def test_what_is_forgiven_is_recent_and_no_refusal(self) -> None:
        first, second = await attempting(self.ledger), await attempting(self.ledger)
        for words, _, taken in (first, second):
            await self.ledger.report(taken, BLAMED)
            assert await self.ledger.recent(words) == [Recent("example.com", refused=True)]
        assert [await self.ledger.forgive(first[0]) for _ in range(2)] == [1, 0]
        assert await self.ledger.recent(first[0]) == [Recent("example.com", refused=False)]
        assert await self.ledger.recent(second[0]) == [Recent("example.com", refused=True)]

    async def test_what_is_tried_again_is_blamed_no_more(self) -> None:
        words, _, taken = await attempting(self.ledger)
        await self.ledger.report(taken, BLAMED)
        await self.ledger.revive(words)
        assert await self.ledger.recent(words) == []
        (again,) = await self.ledger.claim()
        await self.ledger.mark(again)
        await self.ledger.report(again, OK)
        assert await self.ledger.recent(words) == [Recent("example.com", refused=False)]
