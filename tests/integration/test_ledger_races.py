"""The ledger under real concurrency: what memory serialises and PostgreSQL does not.

Where a test names an order of events it makes it so: a transaction stays open until the other one is seen to wait.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import timedelta

import attrs
import pytest

from adapters_postgres.embedded import EmbeddedPostgres
from adapters_postgres.pool import Pool
from adapters_postgres.unit_of_work import PostgresUnitOfWork
from tests.support.databases import Database, migrated_database
from tests.support.waiting import eventually
from zero2prod.testing.builders import T0, delivery, email, later, new_id, subscriber, suppression
from zero2prod.testing.ledger import LASTS, Ledger, mark, ruling
from zero2prod_core.domain.deliveries import Claimed, Deferred, DeliveryState, Outcome, Reply, Sent, Uncertain
from zero2prod_core.domain.letters import Letter, LetterState
from zero2prod_core.domain.subscribers import Event, Status, Subscriber
from zero2prod_core.domain.suppressions import Reason
from zero2prod_core.ports.deliveries import Expired, Settled

OK, LATER, LOST = Sent(Reply(250, "ok")), Deferred(Reply(450, "later")), Uncertain(Reply(None, "connection lost"))
OUTCOMES: Sequence[Outcome] = (OK, LATER, LOST)
ENDED = T0 + LASTS

WAITING = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@pytest.fixture(scope="module")
def store(postgres_server: EmbeddedPostgres) -> Iterator[Database]:
    with migrated_database(postgres_server, "races") as database:
        yield database


@pytest.fixture
async def ledger(store: Database) -> AsyncIterator[Ledger]:
    store.empty()
    pool = Pool(store.url, size=12)
    await pool.open()
    yield Ledger(PostgresUnitOfWork(pool))
    await pool.close()


async def somebody_waits(store: Database) -> None:
    """Return when a connection waits for a lock."""

    async def waits() -> bool:
        return bool(store.superuser.execute(WAITING).fetchall()[0][0])

    assert await eventually(waits)


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


@attrs.frozen
class Storm:
    """Everything that touches the ledger at once, over the same few rows, in every order."""

    ledger: Ledger
    words: Letter
    readers: Sequence[Subscriber]
    chance: random.Random

    async def work(self) -> None:
        """A worker: claims, marks and reports in no order at all, and sometimes forgets its lease."""
        rows = list(await self.ledger.claim(self.chance.randint(1, 20)))
        self.chance.shuffle(rows)
        marks = [mark(row) for row in rows]
        granted = (await self.ledger.settle([], marks)).granted
        completed = [row for row, holds in zip(rows, granted, strict=True) if holds]
        self.chance.shuffle(completed)
        rulings = [ruling(row, self.chance.choice(OUTCOMES)) for row in completed]
        await self.ledger.settle(rulings, marks)
        if rows and self.chance.random() < 0.7:
            await self.ledger.release(rows[0].lease)

    async def leave_and_return(self) -> None:
        """Readers unsubscribe and come back, several in one transaction."""
        some = self.chance.sample(self.readers, 5)
        async with self.ledger.uow() as tx:
            found = await tx.subscribers.get_batch([reader.id for reader in some], lock=True)
            flipped = Status.UNSUBSCRIBED if self.chance.random() < 0.5 else Status.CONFIRMED
            await tx.subscribers.save_batch([attrs.evolve(reader, status=flipped) for reader in found.values()])

    async def sign_up_again(self) -> None:
        """A batch of sign-ups of e-mail addresses that are known."""
        async with self.ledger.uow() as tx:
            await tx.subscribers.claim_batch(self.chance.sample(self.readers, 5))

    async def pause_or_resume(self) -> None:
        state = self.chance.choice([LetterState.PAUSED, LetterState.OPEN, LetterState.OPEN])
        await self.ledger.save_letter(attrs.evolve(self.words, state=state))

    async def sweep(self) -> None:
        await self.ledger.expire(self.chance.choice([T0, ENDED, T0 + timedelta(hours=1)]))

    async def rage(self, rounds: int) -> None:
        for _ in range(rounds):
            await self.chance.choices(
                [self.work, self.leave_and_return, self.sign_up_again, self.pause_or_resume, self.sweep],
                weights=[5, 3, 2, 1, 1],
            )[0]()


@pytest.mark.untraced
class TestStorm:
    async def test_nothing_deadlocks_and_no_row_is_lost(self, ledger: Ledger, store: Database) -> None:
        words, readers = await ledger.letter(), await ledger.readers(60)
        rows = [delivery(words, reader, new_id()) for reader in readers for _ in range(40)]
        await ledger.enqueue(*rows)
        chances = [random.Random(seed) for seed in range(10)]  # noqa: S311 - the same storm every time
        await asyncio.gather(*(Storm(ledger, words, readers, chance).rage(60) for chance in chances))
        sums = await ledger.sums(words)
        assert sum(sums.values()) == len(rows)
        assert {DeliveryState.SENT, DeliveryState.DEFERRED, DeliveryState.SUPPRESSED} <= sums.keys()
        deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        assert store.superuser.execute(deadlocks).fetchall() == [(0,)]
