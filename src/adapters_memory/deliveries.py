"""The one ledger of deliveries, and the leases under which workers hold its rows."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

import attrs

from adapters_memory.delivery_rows import HELD, DeliveryRows, Lease, Row
from adapters_memory.overlay import Overlay
from adapters_memory.recipients import Recipient, Recipients, wants_issues
from adapters_memory.tables import Tables
from zero2prod_core.domain.deliveries import (
    TRANSITIONS,
    Claimed,
    DeliveryKey,
    DeliveryState,
    Mark,
    NewDelivery,
    RecipientKind,
    Ruling,
)
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.letters import URGENT, Letter, LetterState, UncertainPolicy
from zero2prod_core.domain.subscribers import Subscriber
from zero2prod_core.ports.deliveries import DeliveryLedger, Expired, Settled

__all__ = ["InMemoryDeliveryLedger"]


class InMemoryDeliveryLedger(DeliveryLedger):
    """See the port. A claim looks at the due rows of open letters only, so that a paused million costs nothing."""

    def __init__(self, tables: Tables, overlay: Overlay, clock: Callable[[], Instant]) -> None:
        self._rows = DeliveryRows(tables.deliveries, overlay)
        self._leases = overlay.of(tables.leases)
        self._letters = overlay.of(tables.letters)
        self._subscribers = overlay.of(tables.subscribers)
        self._recipients = Recipients(tables, overlay)
        self._clock = clock

    async def enqueue_batch(self, deliveries: Sequence[NewDelivery], at: Instant | None = None) -> int:
        now = at or self._clock()
        return sum(self._add(Row.new(delivery, now)) for delivery in deliveries)

    async def enqueue_audience(self, letter: Letter, give_up_after: timedelta, at: Instant | None = None) -> int:
        now = at or self._clock()
        new = [
            _delivery(letter, subscriber, now + give_up_after)
            for subscriber in self._subscribers.values()
            if subscriber.newsletter == letter.newsletter and wants_issues(subscriber, now)
        ]
        rows = [Row.new(delivery, now) for delivery in new]
        return sum(self._add(row) for row in rows if not self._recipients.suppressed(row, letter))

    async def claim_batch(
        self,
        lease: UUID,
        worker: str,
        lasts: timedelta,
        limit: int,
        *,
        urgent: bool,
        at: Instant | None = None,
    ) -> Sequence[Claimed]:
        now = at or self._clock()
        claimed: list[Claimed] = []
        due = self._due(urgent, now)
        while len(claimed) < limit and (row := next(due, None)):
            if taken := self._claim(row, lease, now):
                claimed.append(taken)
        if claimed:
            self._leases.put(lease, Lease(worker, now + lasts, tuple(row.key for row in claimed)))
        return claimed

    async def renew(self, lease: UUID, lasts: timedelta, at: Instant | None = None) -> bool:
        now = at or self._clock()
        held = self._leases.get(lease)
        if held is None or not held.holds(now):
            return False
        self._leases.put(lease, attrs.evolve(held, expires_at=now + lasts))
        return True

    async def settle_batch(
        self, rulings: Sequence[Ruling], marks: Sequence[Mark], at: Instant | None = None
    ) -> Settled:
        now = at or self._clock()
        applied = tuple(self._apply(ruling, now) for ruling in rulings)
        granted = tuple(self._grant(mark, now) for mark in marks)
        return Settled(applied, granted)

    async def release(self, lease: UUID, at: Instant | None = None) -> Expired:
        return self._end(lease, at or self._clock())

    async def expire(self, at: Instant | None = None) -> Expired:
        now = at or self._clock()
        ended = [self._end(lease, now) for lease, held in self._leases.items() if not held.holds(now)]
        for row in self._rows.uncertain():
            if row.due_at <= now and self._resends(row.key.letter):
                self._rows.put(attrs.evolve(row, state=DeliveryState.PENDING))
        return Expired(sum(end.returned for end in ended), sum(end.uncertain for end in ended))

    async def sums(self, letter: UUID) -> Mapping[DeliveryState, int]:
        return dict(self._rows.sums(letter))

    async def any_sent(self, letters: Collection[UUID]) -> bool:
        return any(self._rows.sums(letter).get(DeliveryState.SENT) for letter in letters)

    async def states(self, keys: Sequence[DeliveryKey]) -> Mapping[DeliveryKey, DeliveryState]:
        return {row.key: row.state for row in map(self._rows.get, keys) if row is not None}

    async def unfinished(self, at: Instant | None = None) -> int:
        return self._rows.unfinished(self._is_open, at or self._clock())

    def _add(self, row: Row) -> bool:
        new = self._rows.get(row.key) is None
        if new:
            self._rows.put(row)
        return new

    def _due(self, urgent: bool, at: Instant) -> Iterator[Row]:
        return self._rows.due(lambda letter, grade: (grade == URGENT) == urgent and self._is_open(letter), at)

    def _claim(self, row: Row, lease: UUID, at: Instant) -> Claimed | None:
        """Lease a due row; one that may not be mailed any more gets the state that says why."""
        verdict = DeliveryState.FAILED if row.give_up_at <= at else self._judge(row, at)
        if not isinstance(verdict, Recipient):
            self._rows.put(row.put_down(verdict))
            return None
        self._rows.put(attrs.evolve(row, state=DeliveryState.LEASED, lease=lease))
        return Claimed(
            row.key,
            row.kind,
            lease,
            row.attempts + 1,
            verdict.email,
            verdict.name,
            row.digest.key_id,
            row.enqueued_at,
        )

    def _judge(self, row: Row, at: Instant) -> Recipient | DeliveryState:
        letter = self._letters.get(row.key.letter)
        if letter is None or letter.state is not LetterState.OPEN:
            return DeliveryState.PENDING
        return self._recipients.judge(row, letter, at)

    def _apply(self, ruling: Ruling, at: Instant) -> bool:
        row = self._rows.get(ruling.key)
        if row is None or ruling.state not in TRANSITIONS[row.state]:
            return False
        applies = self._is_current(row, ruling, at) or row.awaits_late(ruling)
        if applies:
            self._rows.put(row.ruled(ruling, at))
        return applies

    def _grant(self, mark: Mark, at: Instant) -> bool:
        row = self._rows.get(mark.key)
        if row is None or not self._is_current(row, mark, at):
            return False
        if row.state is DeliveryState.ATTEMPTING:
            return True
        verdict = self._judge(row, at)
        if isinstance(verdict, Recipient):
            self._rows.put(attrs.evolve(row, state=DeliveryState.ATTEMPTING))
            return True
        self._rows.put(row.put_down(verdict))
        return False

    def _is_current(self, row: Row, claim: Ruling | Mark, at: Instant) -> bool:
        """Whether the row is held under the claim's lease, and the lease still holds."""
        lease = self._leases.get(claim.lease)
        holds = lease is not None and lease.holds(at)
        return holds and row.lease == claim.lease and row.state in HELD and row.attempts + 1 == claim.attempt

    def _end(self, lease: UUID, at: Instant) -> Expired:
        held = self._leases.get(lease)
        rows = [row for row in map(self._rows.get, held.keys if held else ()) if row and row.lease == lease]
        ended = [row.at_lease_end(at) for row in rows]
        for row in ended:
            self._rows.put(row)
        self._leases.remove(lease)
        uncertain = sum(row.state is DeliveryState.UNCERTAIN for row in ended)
        return Expired(len(ended) - uncertain, uncertain)

    def _is_open(self, letter: UUID) -> bool:
        found = self._letters.get(letter)
        return found is not None and found.state is LetterState.OPEN

    def _resends(self, letter: UUID) -> bool:
        found = self._letters.get(letter)
        return found is not None and found.state is LetterState.OPEN and found.uncertain is UncertainPolicy.RESEND


def _delivery(letter: Letter, subscriber: Subscriber, give_up_at: Instant) -> NewDelivery:
    key = DeliveryKey(letter.id, subscriber.id)
    domain, digest = subscriber.email.domain, subscriber.digest
    return NewDelivery(key, RecipientKind.SUBSCRIBER, domain, digest, letter.priority, give_up_at)
