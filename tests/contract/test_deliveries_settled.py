"""What becomes of claimed rows: marks, results, and the ends of leases."""

from collections.abc import Callable
from datetime import timedelta

import attrs
import pytest

from tests.support.builders import T0, confirmation, delivery, later, new_id, opened_round, pending_subscriber, token
from tests.support.builders import suppression as suppression_of
from tests.support.faults import rolled_back
from tests.support.ledger import LASTS, Ledger, mark, ruling
from zero2prod_core.domain.deliveries import (
    PAUSES,
    RESEND_AFTER,
    Claimed,
    Deferred,
    DeliveryState,
    Mark,
    Outcome,
    Rejected,
    Reply,
    Scope,
    SenderFault,
    Sent,
    Throttled,
    Uncertain,
)
from zero2prod_core.domain.letters import Letter, LetterState, UncertainPolicy
from zero2prod_core.domain.subscribers import Event, Subscriber
from zero2prod_core.domain.suppressions import Reason
from zero2prod_core.domain.tokens import Purpose
from zero2prod_core.ports.deliveries import Expired, Settled
from zero2prod_core.ports.store import UnitOfWork

PENDING, DEFERRED, LEASED = DeliveryState.PENDING, DeliveryState.DEFERRED, DeliveryState.LEASED
ATTEMPTING, UNCERTAIN, SENT = DeliveryState.ATTEMPTING, DeliveryState.UNCERTAIN, DeliveryState.SENT
FAILED, SUPPRESSED, CANCELLED = DeliveryState.FAILED, DeliveryState.SUPPRESSED, DeliveryState.CANCELLED

OK = Sent(Reply(250, "2.0.0 queued as 42"))
LATER = Deferred(Reply(450, "4.2.1 later"))
NEVER = Rejected(Reply(550, "5.7.1 never"))
DEAD = Rejected(Reply(550, "5.1.1 unknown"), suppress=True)
BUSY = Throttled(Reply(421, "4.7.0 busy"), Scope.RELAY)
GREY = Throttled(Reply(450, "4.7.1 slow down"), Scope.DOMAIN)
FAULT = SenderFault(Reply(550, "5.1.8 bad sender"))
LOST = Uncertain(Reply(None, "connection lost"))

AT_LEASE_END = LASTS.total_seconds()
JUST = 0.000001


@pytest.fixture
def ledger(uow: UnitOfWork) -> Ledger:
    return Ledger(uow)


async def claimed(ledger: Ledger, **changes: object) -> tuple[Letter, Subscriber, Claimed]:
    """A reader whose delivery of a new letter is under a lease from T0."""
    words, (reader,) = await ledger.letter(**changes), await ledger.readers(1)
    await ledger.enqueue(delivery(words, reader))
    (taken,) = await ledger.claim()
    return words, reader, taken


async def attempting(ledger: Ledger, **changes: object) -> tuple[Letter, Subscriber, Claimed]:
    words, reader, taken = await claimed(ledger, **changes)
    assert await ledger.mark(taken) == [True]
    return words, reader, taken


class TestMarks:
    async def test_a_granted_mark_is_granted_again_to_whoever_holds_it(self, ledger: Ledger) -> None:
        _, _, taken = await claimed(ledger)
        assert await ledger.mark(taken) == [True]
        assert await ledger.state(taken.key) == ATTEMPTING
        assert await ledger.mark(taken) == [True]
        assert await ledger.mark(attrs.evolve(taken, lease=new_id())) == [False]
        assert await ledger.mark(taken, at=later(AT_LEASE_END)) == [False]
        assert await ledger.state(taken.key) == ATTEMPTING

    async def test_a_settled_row_has_no_mark_to_grant(self, ledger: Ledger) -> None:
        _, _, taken = await attempting(ledger)
        await ledger.report(taken, OK)
        assert await ledger.mark(taken) == [False]
        assert await ledger.state(taken.key) == SENT

    async def test_a_mark_falls_with_its_transaction(self, ledger: Ledger) -> None:
        _, _, taken = await claimed(ledger)
        await rolled_back(ledger.uow, lambda tx: tx.deliveries.settle_batch([], [mark(taken)], T0))
        assert await ledger.state(taken.key) == LEASED
        assert await ledger.mark(taken) == [True]

    async def test_marks_are_granted_one_by_one(self, ledger: Ledger) -> None:
        words, readers = await ledger.letter(), await ledger.readers(3)
        await ledger.enqueue(*(delivery(words, reader) for reader in readers))
        batch = sorted(await ledger.claim(), key=lambda each: each.key)
        gone = next(reader for reader in readers if reader.id == batch[1].key.recipient)
        await ledger.save(gone.on(Event.UNSUBSCRIBE))
        assert await ledger.mark(*batch[::-1]) == [True, False, True]
        assert await ledger.sums(words) == {ATTEMPTING: 2, SUPPRESSED: 1}

    @pytest.mark.parametrize(
        "stale",
        [
            lambda wish: attrs.evolve(wish, lease=new_id()),
            lambda wish: attrs.evolve(wish, attempt=wish.attempt + 1),
            lambda wish: attrs.evolve(wish, attempt=wish.attempt - 1),
            lambda wish: attrs.evolve(wish, key=attrs.evolve(wish.key, occasion=new_id())),
        ],
        ids=["lease", "later attempt", "earlier attempt", "row"],
    )
    async def test_a_mark_of_another_claim_changes_nothing(self, ledger: Ledger, stale: Callable[[Mark], Mark]) -> None:
        _, _, taken = await claimed(ledger)
        assert await ledger.settle([], [stale(mark(taken))]) == Settled((), (False,))
        assert await ledger.state(taken.key) == LEASED

    async def test_under_an_ended_lease_nothing_changes(self, ledger: Ledger) -> None:
        _, reader, taken = await claimed(ledger)
        await ledger.save(reader.on(Event.UNSUBSCRIBE))
        assert await ledger.mark(taken, at=later(AT_LEASE_END)) == [False]
        assert await ledger.state(taken.key) == LEASED

    async def test_a_lease_holds_to_its_last_moment(self, ledger: Ledger) -> None:
        _, _, taken = await claimed(ledger)
        assert await ledger.mark(taken, at=later(AT_LEASE_END - JUST)) == [True]

    @pytest.mark.parametrize("event", [Event.UNSUBSCRIBE, Event.BOUNCE, Event.COMPLAIN])
    async def test_nobody_is_mailed_after_leaving(self, ledger: Ledger, event: Event) -> None:
        _, reader, taken = await claimed(ledger)
        await ledger.save(reader.on(event))
        assert await ledger.mark(taken) == [False]
        assert await ledger.state(taken.key) == SUPPRESSED

    async def test_nobody_is_mailed_after_pausing(self, ledger: Ledger) -> None:
        _, reader, taken = await claimed(ledger)
        await ledger.save(attrs.evolve(reader, paused_until=later(1)))
        assert await ledger.mark(taken) == [False]
        assert await ledger.state(taken.key) == SUPPRESSED

    async def test_nobody_is_mailed_after_being_suppressed(self, ledger: Ledger) -> None:
        _, reader, taken = await claimed(ledger)
        async with ledger.uow() as tx:
            await tx.suppressions.add_batch([suppression_of(reader.digest, Reason.MANUAL)])
        assert await ledger.mark(taken) == [False]
        assert await ledger.state(taken.key) == SUPPRESSED

    async def test_no_confirmation_is_sent_after_its_token_is_gone(self, ledger: Ledger) -> None:
        reader = pending_subscriber()
        opened = opened_round(reader)
        link = token(opened.id)
        async with ledger.uow() as tx:
            await tx.subscribers.claim_batch([reader])
            await tx.subscribers.add_rounds([opened])
            await tx.tokens.add_batch([link])
            await tx.deliveries.enqueue_batch([confirmation(reader, link)], T0)
        (taken,) = await ledger.claim(urgent=True)
        async with ledger.uow() as tx:
            await tx.tokens.revoke(opened.id, Purpose.CONFIRM)
        assert await ledger.mark(taken) == [False]
        assert await ledger.state(taken.key) == CANCELLED

    async def test_a_paused_letters_row_goes_back(self, ledger: Ledger) -> None:
        words, _, taken = await claimed(ledger)
        await ledger.save_letter(attrs.evolve(words, state=LetterState.PAUSED))
        assert await ledger.mark(taken) == [False]
        assert await ledger.state(taken.key) == PENDING
        assert await ledger.claim() == []
        await ledger.save_letter(words)
        (again,) = await ledger.claim()
        assert (again.key, again.attempt) == (taken.key, 1)


class TestResults:
    async def test_whether_any_mail_of_some_letters_was_sent(self, ledger: Ledger) -> None:
        sent, _, taken = await attempting(ledger)
        waiting, _, _ = await attempting(ledger)
        found = []
        for _ in range(2):
            async with ledger.uow.reading() as tx:
                found.append([await tx.deliveries.any_sent(ids) for ids in ([sent.id, waiting.id], [waiting.id], [])])
            await ledger.report(taken, OK)
        assert found == [[False, False, False], [True, False, False]]

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
    async def test_a_result_applies_once(self, ledger: Ledger, outcome: Outcome, state: DeliveryState) -> None:
        words, _, taken = await attempting(ledger)
        assert await ledger.report(taken, outcome, at=later(AT_LEASE_END - JUST))
        assert await ledger.sums(words) == {state: 1}
        assert not await ledger.report(taken, LATER)
        assert await ledger.sums(words) == {state: 1}

    @pytest.mark.parametrize(
        ("outcome", "state"),
        [(LATER, DEFERRED), (NEVER, FAILED), (BUSY, PENDING)],
        ids=["deferred", "rejected", "relay"],
    )
    async def test_a_result_may_come_before_the_mark(
        self, ledger: Ledger, outcome: Outcome, state: DeliveryState
    ) -> None:
        _, _, taken = await claimed(ledger)
        assert await ledger.report(taken, outcome)
        assert await ledger.state(taken.key) == state

    @pytest.mark.parametrize("outcome", [OK, LOST], ids=["sent", "uncertain"])
    async def test_a_mail_without_a_mark_was_not_completed(self, ledger: Ledger, outcome: Outcome) -> None:
        _, _, taken = await claimed(ledger)
        assert not await ledger.report(taken, outcome)
        assert await ledger.state(taken.key) == LEASED

    @pytest.mark.parametrize(
        "stale",
        [
            lambda taken: attrs.evolve(taken, lease=new_id()),
            lambda taken: attrs.evolve(taken, attempt=taken.attempt + 1),
            lambda taken: attrs.evolve(taken, key=attrs.evolve(taken.key, occasion=new_id())),
        ],
        ids=["lease", "attempt", "row"],
    )
    async def test_a_result_of_another_claim_changes_nothing(
        self, ledger: Ledger, stale: Callable[[Claimed], Claimed]
    ) -> None:
        _, _, taken = await attempting(ledger)
        assert not await ledger.report(stale(taken), OK)
        assert await ledger.state(taken.key) == ATTEMPTING

    async def test_a_mail_that_was_taken_is_sent_even_when_its_lease_has_ended(self, ledger: Ledger) -> None:
        _, _, taken = await attempting(ledger)
        assert await ledger.report(taken, OK, at=later(AT_LEASE_END))
        assert await ledger.state(taken.key) == SENT

    @pytest.mark.parametrize("outcome", [LATER, NEVER, LOST], ids=["deferred", "rejected", "uncertain"])
    async def test_under_an_ended_lease_nothing_else_changes(self, ledger: Ledger, outcome: Outcome) -> None:
        _, _, taken = await attempting(ledger)
        assert not await ledger.report(taken, outcome, at=later(AT_LEASE_END))
        assert await ledger.state(taken.key) == ATTEMPTING

    async def test_a_deferred_row_is_due_when_its_schedule_says(self, ledger: Ledger) -> None:
        _, _, taken = await attempting(ledger)
        assert await ledger.report(taken, LATER, at=later(10))
        assert await ledger.claim(at=later(309.999999)) == []
        (again,) = await ledger.claim(at=later(310))
        assert (again.key, again.attempt) == (taken.key, 2)

    @pytest.mark.parametrize(("outcome", "scope"), [(BUSY, Scope.RELAY), (GREY, Scope.DOMAIN), (FAULT, Scope.RELAY)])
    async def test_a_throttled_attempt_is_not_counted_and_waits(
        self, ledger: Ledger, outcome: Outcome, scope: Scope
    ) -> None:
        _, _, taken = await attempting(ledger)
        assert await ledger.report(taken, outcome)
        due = ruling(taken, outcome).retry_in
        assert due >= PAUSES[scope]
        assert await ledger.claim(at=T0 + due - timedelta(microseconds=1)) == []
        (again,) = await ledger.claim(at=T0 + due)
        assert again.attempt == 1

    async def test_a_deferred_row_that_could_only_be_too_late_fails(self, ledger: Ledger) -> None:
        words, (first, second) = await ledger.letter(), await ledger.readers(2)
        wait = timedelta(minutes=5)
        early, late = (
            delivery(words, first, give_up_at=T0 + wait - timedelta(seconds=1)),
            delivery(words, second, give_up_at=T0 + wait + timedelta(seconds=1)),
        )
        await ledger.enqueue(early, late)
        batch = await ledger.claim()
        await ledger.mark(*batch)
        settled = await ledger.settle([ruling(each, LATER) for each in batch], [])
        assert settled == Settled((True, True), ())
        assert await ledger.states([early.key, late.key]) == {early.key: FAILED, late.key: DEFERRED}

    async def test_results_are_written_before_marks_are_granted(self, ledger: Ledger) -> None:
        words, readers = await ledger.letter(), await ledger.readers(2)
        await ledger.enqueue(*(delivery(words, reader) for reader in readers))
        first, second = await ledger.claim()
        await ledger.mark(first)
        assert await ledger.settle([ruling(first, OK)], [mark(second)]) == Settled((True,), (True,))
        assert await ledger.states([first.key, second.key]) == {first.key: SENT, second.key: ATTEMPTING}

    async def test_nothing_at_all_is_settled_too(self, ledger: Ledger) -> None:
        assert await ledger.settle([], []) == Settled((), ())


class TestUncertainRows:
    async def test_a_late_250_settles_the_same_attempt_whatever_its_lease(self, ledger: Ledger) -> None:
        _, _, taken = await attempting(ledger)
        await ledger.expire(later(AT_LEASE_END))
        assert await ledger.report(taken, OK, at=later(100))
        assert await ledger.state(taken.key) == SENT

    @pytest.mark.parametrize("outcome", [LATER, NEVER, BUSY, LOST], ids=["deferred", "rejected", "relay", "uncertain"])
    async def test_no_other_late_result_does(self, ledger: Ledger, outcome: Outcome) -> None:
        _, _, taken = await attempting(ledger)
        await ledger.report(taken, LOST)
        assert not await ledger.report(taken, outcome, at=later(1))
        assert await ledger.state(taken.key) == UNCERTAIN

    async def test_a_250_of_an_earlier_attempt_does_not(self, ledger: Ledger) -> None:
        _, _, first = await attempting(ledger)
        await ledger.report(first, LATER)
        (second,) = await ledger.claim(at=later(300))
        await ledger.mark(second, at=later(300))
        await ledger.report(second, LOST, at=later(300))
        assert not await ledger.report(first, OK, at=later(301))
        assert await ledger.report(second, OK, at=later(301))

    async def test_it_is_resent_after_a_while_as_a_new_attempt(self, ledger: Ledger) -> None:
        words, _, taken = await attempting(ledger)
        await ledger.report(taken, LOST)
        due = T0 + RESEND_AFTER
        assert await ledger.expire(due - timedelta(microseconds=1)) == Expired(0, 0)
        assert await ledger.sums(words) == {UNCERTAIN: 1}
        await ledger.expire(due)
        assert await ledger.sums(words) == {PENDING: 1}
        (again,) = await ledger.claim(at=due)
        assert again.attempt == 2
        assert not await ledger.report(taken, OK, at=due)

    @pytest.mark.parametrize(
        ("policy", "state"),
        [(UncertainPolicy.HOLD, LetterState.OPEN), (UncertainPolicy.RESEND, LetterState.PAUSED)],
        ids=["held", "paused"],
    )
    async def test_it_stays_while_its_letter_holds_it_or_is_paused(
        self, ledger: Ledger, policy: UncertainPolicy, state: LetterState
    ) -> None:
        words, _, taken = await attempting(ledger, uncertain=policy)
        await ledger.report(taken, LOST)
        await ledger.save_letter(attrs.evolve(words, state=state))
        await ledger.expire(T0 + 10 * RESEND_AFTER)
        assert await ledger.sums(words) == {UNCERTAIN: 1}
        assert await ledger.report(taken, OK, at=T0 + 10 * RESEND_AFTER)


class TestLeases:
    async def test_renewing_moves_the_end(self, ledger: Ledger) -> None:
        _, _, taken = await claimed(ledger)
        assert await ledger.renew(taken.lease, at=later(20))
        assert await ledger.mark(taken, at=later(20 + AT_LEASE_END - JUST)) == [True]
        assert not await ledger.report(taken, LATER, at=later(20 + AT_LEASE_END))

    async def test_an_ended_lease_cannot_be_renewed(self, ledger: Ledger) -> None:
        _, _, taken = await claimed(ledger)
        assert not await ledger.renew(taken.lease, at=later(AT_LEASE_END))
        assert not await ledger.renew(new_id(), at=T0)
        assert await ledger.expire(later(AT_LEASE_END)) == Expired(1, 0)
        assert not await ledger.renew(taken.lease, at=T0)

    async def test_releasing_gives_rows_back(self, ledger: Ledger) -> None:
        words, readers = await ledger.letter(), await ledger.readers(4)
        await ledger.enqueue(*(delivery(words, reader) for reader in readers))
        batch = await ledger.claim()
        await ledger.mark(*batch[:2])
        await ledger.report(batch[0], OK)
        assert await ledger.release(batch[0].lease) == Expired(2, 1)
        assert await ledger.sums(words) == {SENT: 1, UNCERTAIN: 1, PENDING: 2}
        assert await ledger.release(batch[0].lease) == Expired(0, 0)
        assert await ledger.mark(*batch[2:]) == [False, False]
        assert len(await ledger.claim()) == 2

    async def test_one_lease_ends_without_the_other(self, ledger: Ledger) -> None:
        words, readers = await ledger.letter(), await ledger.readers(2)
        await ledger.enqueue(*(delivery(words, reader) for reader in readers))
        (first,), (second,) = await ledger.claim(1), await ledger.claim(1)
        assert await ledger.release(first.lease) == Expired(1, 0)
        assert await ledger.states([first.key, second.key]) == {first.key: PENDING, second.key: LEASED}

    async def test_expiry_ends_only_leases_whose_time_is_over(self, ledger: Ledger) -> None:
        words, readers = await ledger.letter(), await ledger.readers(3)
        await ledger.enqueue(*(delivery(words, reader) for reader in readers))
        (young,) = await ledger.claim(1, at=later(1))
        (quiet,), (busy,) = await ledger.claim(1), await ledger.claim(1)
        await ledger.mark(busy)
        assert await ledger.expire(later(AT_LEASE_END - JUST)) == Expired(0, 0)
        assert await ledger.expire(later(AT_LEASE_END)) == Expired(1, 1)
        states = await ledger.states([young.key, quiet.key, busy.key])
        assert states == {young.key: LEASED, quiet.key: PENDING, busy.key: UNCERTAIN}
        assert await ledger.expire(later(AT_LEASE_END)) == Expired(0, 0)

    async def test_a_row_taken_back_belongs_to_whoever_takes_it_next(self, ledger: Ledger) -> None:
        _, _, first = await claimed(ledger)
        await ledger.expire(later(AT_LEASE_END))
        (second,) = await ledger.claim(at=later(AT_LEASE_END))
        assert second.attempt == 1
        moment = later(AT_LEASE_END + 1)
        assert not await ledger.report(first, NEVER, at=moment)
        assert await ledger.mark(first, second, at=moment) == [False, True]
        assert await ledger.report(second, OK, at=moment)
        assert await ledger.state(second.key) == SENT

    async def test_a_lease_that_still_holds_is_not_the_lease_of_a_row_it_gave_up(self, ledger: Ledger) -> None:
        _, _, first = await attempting(ledger)
        await ledger.report(first, BUSY)
        moment = later(AT_LEASE_END - JUST)
        (second,) = await ledger.claim(at=moment)
        assert (second.key, second.attempt) == (first.key, first.attempt)
        assert await ledger.mark(first, second, at=moment) == [False, True]
        assert not await ledger.report(first, OK, at=moment)
        assert await ledger.report(second, OK, at=moment)

    async def test_the_stores_clock_is_the_default(self, ledger: Ledger) -> None:
        words, (reader,) = await ledger.letter(), await ledger.readers(1)
        lease = new_id()
        async with ledger.uow() as tx:
            give_up_at = await tx.now() + timedelta(days=1)
            await tx.deliveries.enqueue_batch([delivery(words, reader, give_up_at=give_up_at)])
            assert await tx.deliveries.unfinished() == 1
            (taken,) = await tx.deliveries.claim_batch(lease, "worker", LASTS, 1, urgent=False)
            assert await tx.deliveries.renew(lease, LASTS)
            assert await tx.deliveries.settle_batch([], [mark(taken)]) == Settled((), (True,))
            assert await tx.deliveries.expire() == Expired(0, 0)
            assert await tx.deliveries.release(lease) == Expired(0, 1)
            assert await tx.deliveries.enqueue_audience(words, timedelta(days=1)) == 0
