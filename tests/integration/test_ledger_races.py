"""The ledger under real concurrency: what memory serialises and PostgreSQL does not.

Where a test names an order of events it makes it so: a transaction stays open until the other one is seen to wait.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence

import attrs
import pytest

from adapters_postgres.embedded import EmbeddedPostgres
from tests.support.contention import for_a_crowd, somebody_waits
from tests.support.databases import Database, migrated_database
from zero2prod.testing.builders import T0, delivery, email, later, new_id, subscriber, suppression
from zero2prod.testing.ledger import LASTS, Ledger, mark, ruling
from zero2prod_core.domain.deliveries import (
    Claimed,
    Deferred,
    DeliveryState,
    Outcome,
    Postponed,
    Rejected,
    Reply,
    Resolution,
    Sent,
    Uncertain,
)
from zero2prod_core.domain.letters import Letter, LetterState
from zero2prod_core.domain.subscribers import Event, Subscriber
from zero2prod_core.domain.suppressions import Reason
from zero2prod_core.ports.deliveries import Expired, Settled

OK, LATER, LOST = Sent(Reply(250, "ok")), Deferred(Reply(450, "later")), Uncertain(Reply(None, "connection lost"))
NEVER = Rejected(Reply(550, "never"))
OUTCOMES: Sequence[Outcome] = (OK, LATER, LOST, NEVER)
ENDED = T0 + LASTS


@pytest.fixture(scope="module")
def store(postgres_server: EmbeddedPostgres) -> Iterator[Database]:
    with migrated_database(postgres_server, "races") as database:
        yield database


@pytest.fixture
async def ledger(store: Database) -> AsyncIterator[Ledger]:
    async with for_a_crowd(store) as uow:
        yield Ledger(uow)


async def claimed(ledger: Ledger, count: int = 1) -> tuple[Letter, Sequence[Subscriber], Sequence[Claimed]]:
    """A letter to new readers, claimed under one lease that ends at ENDED."""
    words, readers = await ledger.letter(), await ledger.readers(count)
    await ledger.enqueue(*(delivery(words, reader) for reader in readers))
    return words, readers, await ledger.claim()


class TestClaiming:
    async def test_claims_at_once_hand_out_every_row_once(self, ledger: Ledger) -> None:
        words, readers = await ledger.letter(), await ledger.readers(400)
        await ledger.enqueue(*(delivery(words, reader) for reader in readers))

        async def claim_all() -> list[Claimed]:
            return [row for _ in range(60) for row in await ledger.claim(9)]

        batches = await asyncio.gather(*(claim_all() for _ in range(8)))
        recipients = [row.key.recipient for batch in batches for row in batch]
        assert sorted(recipients) == [reader.id for reader in readers]
        assert sum(bool(batch) for batch in batches) > 1, "one worker took everything: nothing was at once"

    async def test_rows_that_another_transaction_holds_are_passed_over(self, ledger: Ledger) -> None:
        words, readers = await ledger.letter(), await ledger.readers(6)
        await ledger.enqueue(*(delivery(words, reader) for reader in readers))
        async with ledger.uow() as tx:
            first = await tx.deliveries.claim_batch(new_id(), "first", LASTS, 4, urgent=False, at=T0)
            async with asyncio.TaskGroup() as tasks:
                other = tasks.create_task(ledger.claim(4))
        assert len(first) == 4
        assert len(other.result()) == 2

    async def test_a_lock_on_the_oldest_rows_of_one_letter_leaves_those_of_another(self, ledger: Ledger) -> None:
        words, (reader,) = await ledger.letter(), await ledger.readers(1)
        await ledger.enqueue(delivery(words, reader), at=later(-60))
        async with ledger.uow() as tx:
            assert await tx.deliveries.claim_batch(new_id(), "first", LASTS, 1, urgent=False, at=T0)
            others = await asyncio.create_task(claimed(ledger))
        assert len(others[2]) == 1


class TestMarkingWhileAReaderLeaves:
    async def test_a_mark_waits_for_an_unsubscribe_and_is_refused(self, ledger: Ledger, store: Database) -> None:
        _, (reader,), (row,) = await claimed(ledger)
        async with ledger.uow() as tx:
            await tx.subscribers.save_batch([reader.on(Event.UNSUBSCRIBE)])
            marking = asyncio.create_task(ledger.mark(row))
            await somebody_waits(store)
        assert await marking == [False]
        assert await ledger.state(row.key) is DeliveryState.SUPPRESSED

    async def test_a_mark_waits_for_a_suppression_and_sees_it(self, ledger: Ledger, store: Database) -> None:
        """The suppression is in another table than the row waited for: one snapshot for both would miss it."""
        _, (reader,), (row,) = await claimed(ledger)
        async with ledger.uow() as tx:
            await tx.subscribers.sharing_email([reader.id])
            marking = asyncio.create_task(ledger.mark(row))
            await somebody_waits(store)
            await tx.suppressions.add_batch([suppression(reader.digest, Reason.COMPLAINT)])
        assert await marking == [False]
        assert await ledger.state(row.key) is DeliveryState.SUPPRESSED

    async def test_an_unsubscribe_waits_for_a_mark(self, ledger: Ledger, store: Database) -> None:
        _, (reader,), (row,) = await claimed(ledger)
        async with ledger.uow() as tx:
            assert await tx.deliveries.settle_batch([], [mark(row)], T0) == Settled((), (True,))
            leaving = asyncio.create_task(ledger.save(reader.on(Event.UNSUBSCRIBE)))
            await somebody_waits(store)
            assert not leaving.done()
        await leaving
        assert await ledger.state(row.key) is DeliveryState.ATTEMPTING


class TestMarkingWhileALetterPauses:
    async def test_a_mark_waits_for_a_pause_and_goes_back(self, ledger: Ledger, store: Database) -> None:
        words, _, (row,) = await claimed(ledger)
        async with ledger.uow() as tx:
            await tx.letters.save(attrs.evolve(words, state=LetterState.PAUSED))
            marking = asyncio.create_task(ledger.mark(row))
            await somebody_waits(store)
        assert await marking == [False]
        assert await ledger.state(row.key) is DeliveryState.PENDING

    async def test_a_pause_waits_for_a_mark(self, ledger: Ledger, store: Database) -> None:
        words, _, (row,) = await claimed(ledger)
        async with ledger.uow() as tx:
            assert await tx.deliveries.settle_batch([], [mark(row)], T0) == Settled((), (True,))
            pausing = asyncio.create_task(ledger.save_letter(attrs.evolve(words, state=LetterState.PAUSED)))
            await somebody_waits(store)
        await pausing
        assert await ledger.state(row.key) is DeliveryState.ATTEMPTING

    async def test_marks_of_one_letter_do_not_wait_for_one_another(self, ledger: Ledger) -> None:
        words, readers = await ledger.letter(), await ledger.readers(2)
        await ledger.enqueue(*(delivery(words, reader) for reader in readers))
        (first,), (second,) = await ledger.claim(1), await ledger.claim(1)
        async with ledger.uow() as tx:
            await tx.deliveries.settle_batch([], [mark(first)], T0)
            assert await asyncio.create_task(ledger.mark(second)) == [True]


class TestEndingALease:
    async def test_a_report_waits_for_the_end_of_its_lease_and_changes_nothing(
        self, ledger: Ledger, store: Database
    ) -> None:
        _, _, (answered, unasked) = await claimed(ledger, 2)
        await ledger.mark(answered)
        async with ledger.uow() as tx:
            assert await tx.deliveries.expire(ENDED) == Expired(1, 1)
            settling = asyncio.create_task(ledger.settle([ruling(answered, LATER)], [mark(unasked)]))
            await somebody_waits(store)
        assert await settling == Settled((False,), (False,))
        states = await ledger.states([answered.key, unasked.key])
        assert states == {answered.key: DeliveryState.UNCERTAIN, unasked.key: DeliveryState.PENDING}

    async def test_a_250_that_waited_for_the_end_of_its_lease_still_counts(
        self, ledger: Ledger, store: Database
    ) -> None:
        _, _, (row,) = await claimed(ledger)
        await ledger.mark(row)
        async with ledger.uow() as tx:
            assert await tx.deliveries.expire(ENDED) == Expired(0, 1)
            settling = asyncio.create_task(ledger.report(row, OK))
            await somebody_waits(store)
        assert await settling
        assert await ledger.state(row.key) is DeliveryState.SENT

    async def test_expiry_leaves_a_lease_that_is_being_used(self, ledger: Ledger) -> None:
        _, _, (row,) = await claimed(ledger)
        async with ledger.uow() as tx:
            await tx.deliveries.settle_batch([], [mark(row)], T0)
            assert await asyncio.create_task(ledger.expire(ENDED)) == Expired(0, 0)
        assert await ledger.expire(ENDED) == Expired(0, 1)

    async def test_giving_back_waits_for_what_is_being_settled(self, ledger: Ledger, store: Database) -> None:
        _, _, (first, second) = await claimed(ledger, 2)
        async with ledger.uow() as tx:
            await tx.deliveries.settle_batch([], [mark(first)], T0)
            await tx.deliveries.settle_batch([ruling(first, OK)], [mark(second)], T0)
            releasing = asyncio.create_task(ledger.release(first.lease))
            await somebody_waits(store)
        assert await releasing == Expired(0, 1)
        assert await ledger.state(first.key) is DeliveryState.SENT

    async def test_putting_off_waits_for_the_end_of_its_lease_and_changes_nothing(
        self, ledger: Ledger, store: Database
    ) -> None:
        _, _, (row,) = await claimed(ledger)
        async with ledger.uow() as tx:
            assert await tx.deliveries.expire(ENDED) == Expired(1, 0)
            postponing = asyncio.create_task(ledger.postpone(row, until=later(10)))
            await somebody_waits(store)
        assert await postponing == 0
        (again,) = await ledger.claim(at=ENDED)
        assert again.key == row.key

    async def test_expiry_leaves_a_lease_whose_rows_are_being_put_off(self, ledger: Ledger) -> None:
        _, _, (row,) = await claimed(ledger)
        async with ledger.uow() as tx:
            assert await tx.deliveries.postpone_batch(row.lease, [Postponed(row.key, later(10))]) == 1
            assert await asyncio.create_task(ledger.expire(ENDED)) == Expired(0, 0)

    async def test_renewing_does_not_wait_for_what_is_being_settled(self, ledger: Ledger) -> None:
        _, _, (row,) = await claimed(ledger)
        async with ledger.uow() as tx:
            await tx.deliveries.settle_batch([], [mark(row)], T0)
            assert await asyncio.create_task(ledger.renew(row.lease, later(10)))
        assert await ledger.expire(ENDED) == Expired(0, 0)

    async def test_resending_leaves_a_row_whose_250_is_being_written(self, ledger: Ledger) -> None:
        _, _, (row,) = await claimed(ledger)
        await ledger.mark(row)
        await ledger.report(row, LOST)
        async with ledger.uow() as tx:
            assert (await tx.deliveries.settle_batch([ruling(row, OK)], [], later(600))).applied == (True,)
            await asyncio.create_task(ledger.expire(later(600)))
        assert await ledger.state(row.key) is DeliveryState.SENT


class TestTheOrderOfLocks:
    """Whoever waits has only locked what comes before: else the two would wait for each other."""

    async def test_recipients_are_locked_by_e_mail_address(self, ledger: Ledger, store: Database) -> None:
        words = await ledger.letter()
        second, first, third = (subscriber(email(f"{name}@example.com")) for name in "bac")
        await ledger.add(second, first, third)
        await ledger.enqueue(*(delivery(words, reader) for reader in (second, first, third)))
        rows = await ledger.claim()
        async with ledger.uow() as tx:
            await tx.subscribers.get_batch([first.id], lock=True)
            marking = asyncio.create_task(ledger.mark(*rows))
            await somebody_waits(store)
            await tx.subscribers.get_batch([second.id, third.id], lock=True)
        assert await marking == [True, True, True]

    async def test_deliveries_are_locked_by_key(self, ledger: Ledger, store: Database) -> None:
        _, _, rows = await claimed(ledger, 3)
        second, first, third = (sorted(rows, key=lambda row: row.key)[place] for place in (1, 0, 2))
        async with ledger.uow() as tx:
            await tx.deliveries.settle_batch([ruling(first, LATER)], [], T0)
            settling = asyncio.create_task(ledger.settle([ruling(row, LATER) for row in (third, second, first)], []))
            await somebody_waits(store)
            await tx.deliveries.settle_batch([ruling(third, LATER), ruling(second, LATER)], [], T0)
        assert (await settling).applied == (False, False, False)


class TestCancellingAndCompacting:
    async def test_a_mark_waits_for_a_letter_that_is_being_closed_and_is_cancelled(
        self, ledger: Ledger, store: Database
    ) -> None:
        words, _, (row,) = await claimed(ledger)
        async with ledger.uow() as tx:
            await tx.letters.get_batch([words.id], lock=True)
            marking = asyncio.create_task(ledger.mark(row))
            await somebody_waits(store)
            await tx.letters.save(attrs.evolve(words, state=LetterState.CLOSED))
        assert await marking == [False]
        assert await ledger.state(row.key) is DeliveryState.CANCELLED

    async def test_whoever_closes_a_letter_waits_for_a_mark(self, ledger: Ledger, store: Database) -> None:
        words, _, (row,) = await claimed(ledger)
        async with ledger.uow() as tx:
            assert await tx.deliveries.settle_batch([], [mark(row)], T0) == Settled((), (True,))
            closing = asyncio.create_task(ledger.save_letter(attrs.evolve(words, state=LetterState.CLOSED)))
            await somebody_waits(store)
        await closing
        assert await ledger.state(row.key) is DeliveryState.ATTEMPTING

    async def test_two_jobs_cancel_each_row_once_and_wait_for_nothing(self, ledger: Ledger) -> None:
        words, readers = await ledger.letter(state=LetterState.CLOSED), await ledger.readers(9)
        await ledger.enqueue(*(delivery(words, reader) for reader in readers))
        async with ledger.uow() as tx:
            first = await tx.deliveries.cancel_batch(4, T0)
            second = await asyncio.create_task(ledger.cancel())
        assert (first, second) == (4, 5)

    async def test_what_a_claim_takes_is_not_cancelled(self, ledger: Ledger) -> None:
        words, readers = await ledger.letter(), await ledger.readers(3)
        await ledger.enqueue(*(delivery(words, reader) for reader in readers))
        async with ledger.uow() as tx:
            await tx.deliveries.claim_batch(new_id(), "first", LASTS, 2, urgent=False, at=T0)
            await asyncio.create_task(ledger.save_letter(attrs.evolve(words, state=LetterState.CLOSED)))
            assert await asyncio.create_task(ledger.cancel()) == 1
        assert await ledger.sums(words) == {DeliveryState.LEASED: 2, DeliveryState.CANCELLED: 1}

    async def test_two_jobs_count_each_row_once(self, ledger: Ledger) -> None:
        words, _, rows = await claimed(ledger, 9)
        await ledger.mark(*rows)
        await ledger.settle([ruling(row, OK) for row in rows], [])
        await ledger.save_letter(attrs.evolve(words, state=LetterState.CLOSED))
        async with ledger.uow() as tx:
            first = await tx.deliveries.compact(later(1), 4)
            beside = asyncio.create_task(ledger.compact(later(1)))
        assert (first, await beside) == (4, 5)
        assert await ledger.sums(words) == {DeliveryState.SENT: 9}

    async def test_a_report_of_a_row_that_is_being_compacted_changes_nothing(
        self, ledger: Ledger, store: Database
    ) -> None:
        words, _, (row,) = await claimed(ledger)
        await ledger.mark(row)
        await ledger.report(row, OK)
        await ledger.save_letter(attrs.evolve(words, state=LetterState.CLOSED))
        async with ledger.uow() as tx:
            assert await tx.deliveries.compact(later(1), 10) == 1
            settling = asyncio.create_task(ledger.report(row, OK))
            await somebody_waits(store)
        assert not await settling
        assert await ledger.sums(words) == {DeliveryState.SENT: 1}


class TestResolving:
    async def lost(self, ledger: Ledger) -> tuple[Letter, Claimed]:
        """A letter whose one answer was lost."""
        words, _, (row,) = await claimed(ledger)
        await ledger.mark(row)
        await ledger.report(row, LOST)
        return words, row

    @pytest.mark.parametrize(
        ("resolution", "state"),
        [(Resolution.RESEND, DeliveryState.PENDING), (Resolution.ACCEPT, DeliveryState.SENT)],
    )
    async def test_a_late_250_waits_for_what_a_person_decides(
        self, ledger: Ledger, store: Database, resolution: Resolution, state: DeliveryState
    ) -> None:
        words, row = await self.lost(ledger)
        async with ledger.uow() as tx:
            assert await tx.deliveries.resolve(words.id, resolution, None, T0) == 1
            settling = asyncio.create_task(ledger.report(row, OK))
            await somebody_waits(store)
        assert not await settling
        assert await ledger.state(row.key) is state

    async def test_a_person_who_decides_waits_for_a_late_250(self, ledger: Ledger, store: Database) -> None:
        words, row = await self.lost(ledger)
        async with ledger.uow() as tx:
            assert (await tx.deliveries.settle_batch([ruling(row, OK)], [], T0)).applied == (True,)
            resolving = asyncio.create_task(ledger.resolve(words, Resolution.RESEND))
            await somebody_waits(store)
        assert await resolving == 0
        assert await ledger.state(row.key) is DeliveryState.SENT

    async def test_two_who_decide_at_once_resolve_it_once(self, ledger: Ledger, store: Database) -> None:
        words, row = await self.lost(ledger)
        async with ledger.uow() as tx:
            assert await tx.deliveries.resolve(words.id, Resolution.ACCEPT, None, T0) == 1
            resolving = asyncio.create_task(ledger.resolve(words, Resolution.RESEND))
            await somebody_waits(store)
        assert await resolving == 0
        assert await ledger.state(row.key) is DeliveryState.SENT
