"""The ledger under everything that touches it, at once and in no order."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import timedelta

import attrs
import pytest

from adapters_postgres.embedded import EmbeddedPostgres
from tests.support.contention import deadlocks, for_a_crowd
from tests.support.databases import Database, migrated_database
from zero2prod.testing.builders import T0, delivery, later, new_id
from zero2prod.testing.ledger import LASTS, Ledger, mark, ruling
from zero2prod_core.domain.deliveries import (
    GIVE_UP_AFTER,
    Deferred,
    DeliveryState,
    Outcome,
    Rejected,
    Reply,
    Resolution,
    Sent,
    Uncertain,
)
from zero2prod_core.domain.letters import Letter, LetterState
from zero2prod_core.domain.subscribers import Status, Subscriber

OUTCOMES: Sequence[Outcome] = (
    Sent(Reply(250, "ok")),
    Deferred(Reply(450, "later")),
    Uncertain(Reply(None, "connection lost")),
    Rejected(Reply(550, "never")),
)
ENDED = T0 + LASTS


@pytest.fixture(scope="module")
def store(postgres_server: EmbeddedPostgres) -> Iterator[Database]:
    with migrated_database(postgres_server, "storm") as database:
        yield database


@pytest.fixture
async def ledger(store: Database) -> AsyncIterator[Ledger]:
    async with for_a_crowd(store) as uow:
        yield Ledger(uow)


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

    async def pause_resume_or_close(self) -> None:
        state = self.chance.choice([*LetterState, LetterState.OPEN, LetterState.OPEN, LetterState.OPEN])
        await self.ledger.save_letter(attrs.evolve(self.words, state=state))

    async def sweep(self) -> None:
        await self.ledger.expire(self.chance.choice([T0, ENDED, T0 + timedelta(hours=1)]))
        await self.ledger.cancel(self.chance.randint(1, 20))
        await self.ledger.compact(later(1), self.chance.randint(1, 20))

    async def put_off(self) -> None:
        """A worker whose mails may not go yet."""
        rows = list(await self.ledger.claim(self.chance.randint(1, 20)))
        self.chance.shuffle(rows)
        if rows:
            await self.ledger.postpone(*rows, until=T0)
            await self.ledger.release(rows[0].lease)

    async def decide(self) -> None:
        """A person has some of what is in doubt sent again or accepted, or all that failed tried once more."""
        resolution = self.chance.choice(list(Resolution))
        some = {reader.id for reader in self.chance.sample(self.readers, 5)}
        async with self.ledger.uow() as tx:
            await tx.letters.get_batch([self.words.id], lock=True)
            await tx.deliveries.resolve(self.words.id, resolution, self.chance.choice([None, some]), T0)
            if self.chance.random() < 0.5:
                await tx.deliveries.revive(self.words.id, GIVE_UP_AFTER, T0)

    async def rage(self, rounds: int) -> None:
        verbs = {
            self.work: 8,
            self.leave_and_return: 3,
            self.sign_up_again: 2,
            self.pause_resume_or_close: 1,
            self.sweep: 1,
            self.put_off: 1,
            self.decide: 1,
        }
        for _ in range(rounds):
            await self.chance.choices(list(verbs), weights=list(verbs.values()))[0]()


@pytest.mark.alone
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
        assert deadlocks(store) == 0
