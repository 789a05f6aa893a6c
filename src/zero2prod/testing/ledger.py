"""Driving a ledger from tests: every verb in a transaction of its own, at a moment of the test's choice."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

import attrs

from zero2prod.testing.builders import T0, letter, new_id, subscriber
from zero2prod_core.domain.deliveries import (
    GIVE_UP_AFTER,
    Claimed,
    DeliveryKey,
    DeliveryState,
    FailedDelivery,
    InDoubt,
    Mark,
    NewDelivery,
    Outcome,
    Postponed,
    Report,
    Resolution,
    Ruling,
    rule,
)
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.letters import Letter, LetterKind
from zero2prod_core.domain.refusals import Recent
from zero2prod_core.domain.subscribers import Subscriber
from zero2prod_core.ports.deliveries import Backlog, Expired, Settled
from zero2prod_core.ports.store import UnitOfWork

LASTS = timedelta(seconds=30)

# Between the two ends of a retry's jitter: exactly the schedule.
NO_JITTER = 0.5


def mark(claimed: Claimed) -> Mark:
    return Mark(claimed.key, claimed.lease, claimed.attempt)


def ruling(claimed: Claimed, outcome: Outcome) -> Ruling:
    return rule(Report(claimed.key, claimed.lease, claimed.attempt, outcome, claimed.email.domain), NO_JITTER)


@attrs.frozen
class Ledger:
    uow: UnitOfWork

    async def letter(self, **changes: object) -> Letter:
        """A new letter in the store."""
        made = letter(**changes)
        async with self.uow() as tx:
            await tx.letters.add(made)
        return made

    async def save_letter(self, changed: Letter) -> None:
        async with self.uow() as tx:
            await tx.letters.save(changed)

    async def readers(self, count: int) -> list[Subscriber]:
        """New confirmed subscribers in the store, in the order of their ids."""
        return list(await self.add(*(subscriber() for _ in range(count))))

    async def add(self, *subscribers: Subscriber) -> Sequence[Subscriber]:
        async with self.uow() as tx:
            return await tx.subscribers.claim_batch(subscribers)

    async def save(self, *changed: Subscriber) -> None:
        async with self.uow() as tx:
            await tx.subscribers.save_batch(changed)

    async def enqueue(self, *deliveries: NewDelivery, at: Instant = T0) -> int:
        async with self.uow() as tx:
            return await tx.deliveries.enqueue_batch(deliveries, at)

    async def enqueue_audience(self, of: Letter, give_up_after: timedelta = GIVE_UP_AFTER, at: Instant = T0) -> int:
        async with self.uow() as tx:
            return await tx.deliveries.enqueue_audience(of, give_up_after, at)

    async def claim(
        self, limit: int = 100, *, at: Instant = T0, urgent: bool = False, lease: UUID | None = None
    ) -> Sequence[Claimed]:
        async with self.uow() as tx:
            return await tx.deliveries.claim_batch(lease or new_id(), "worker", LASTS, limit, urgent=urgent, at=at)

    async def settle(self, rulings: Sequence[Ruling], marks: Sequence[Mark], at: Instant = T0) -> Settled:
        async with self.uow() as tx:
            return await tx.deliveries.settle_batch(rulings, marks, at)

    async def mark(self, *claimed: Claimed, at: Instant = T0) -> list[bool]:
        """Ask for the marks of claimed rows; says which are granted."""
        return list((await self.settle([], [mark(each) for each in claimed], at)).granted)

    async def report(self, claimed: Claimed, outcome: Outcome, at: Instant = T0) -> bool:
        """Say what came of a claimed row; returns whether it applied."""
        return (await self.settle([ruling(claimed, outcome)], [], at)).applied == (True,)

    async def renew(self, lease: UUID, at: Instant) -> bool:
        async with self.uow() as tx:
            return await tx.deliveries.renew(lease, LASTS, at)

    async def release(self, lease: UUID, at: Instant = T0) -> Expired:
        async with self.uow() as tx:
            return await tx.deliveries.release(lease, at)

    async def expire(self, at: Instant) -> Expired:
        async with self.uow() as tx:
            return await tx.deliveries.expire(at)

    async def postpone(self, *claimed: Claimed, until: Instant) -> int:
        """Put rows of one lease off."""
        async with self.uow() as tx:
            return await tx.deliveries.postpone_batch(
                claimed[0].lease, [Postponed(each.key, until) for each in claimed]
            )

    async def cancel(self, limit: int = 100, at: Instant = T0) -> int:
        async with self.uow() as tx:
            return await tx.deliveries.cancel_batch(limit, at)

    async def forgive(self, of: Letter) -> int:
        async with self.uow() as tx:
            return await tx.deliveries.forgive(of.id)

    async def revive(self, of: Letter, give_up_after: timedelta = GIVE_UP_AFTER, at: Instant = T0) -> int:
        async with self.uow() as tx:
            return await tx.deliveries.revive(of.id, give_up_after, at)

    async def resolve(
        self, of: Letter, resolution: Resolution, recipients: Collection[UUID] | None = None, at: Instant = T0
    ) -> int:
        async with self.uow() as tx:
            return await tx.deliveries.resolve(of.id, resolution, recipients, at)

    async def compact(self, before: Instant, limit: int = 100) -> int:
        async with self.uow() as tx:
            return await tx.deliveries.compact(before, limit)

    async def doubtful(self, of: Letter, limit: int = 100, after: DeliveryKey | None = None) -> Sequence[InDoubt]:
        async with self.uow.reading() as tx:
            return await tx.deliveries.doubtful(of.id, limit, after)

    async def failures(
        self, of: Letter, limit: int = 100, after: DeliveryKey | None = None
    ) -> Sequence[FailedDelivery]:
        async with self.uow.reading() as tx:
            return await tx.deliveries.failures(of.id, limit, after)

    async def recent(self, of: Letter, limit: int = 100) -> Sequence[Recent]:
        async with self.uow.reading() as tx:
            return await tx.deliveries.recent(of.id, limit)

    async def possibly_twice(self, of: Letter) -> int:
        async with self.uow.reading() as tx:
            return await tx.deliveries.possibly_twice(of.id)

    async def any_sent(self, of: Letter) -> bool:
        async with self.uow.reading() as tx:
            return await tx.deliveries.any_sent([of.id])

    async def sums(self, of: Letter) -> Mapping[DeliveryState, int]:
        async with self.uow.reading() as tx:
            return await tx.deliveries.sums(of.id)

    async def states(self, keys: Sequence[DeliveryKey]) -> Mapping[DeliveryKey, DeliveryState]:
        async with self.uow.reading() as tx:
            return await tx.deliveries.states(keys)

    async def state(self, key: DeliveryKey) -> DeliveryState | None:
        return (await self.states([key])).get(key)

    async def unfinished(self, at: Instant) -> int:
        async with self.uow.reading() as tx:
            return await tx.deliveries.unfinished(at)

    async def backlog(self, at: Instant) -> Mapping[LetterKind, Backlog]:
        async with self.uow.reading() as tx:
            return await tx.deliveries.backlog(at)
