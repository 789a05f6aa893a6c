"""The one ledger of deliveries, and the leases under which workers hold its rows."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
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
    FailedDelivery,
    InDoubt,
    Mark,
    NewDelivery,
    Postponed,
    RecipientKind,
    Resolution,
    Ruling,
)
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.letters import URGENT, Letter, LetterKind, LetterState, UncertainPolicy
from zero2prod_core.domain.people import Mailing
from zero2prod_core.domain.refusals import Recent
from zero2prod_core.domain.subscribers import Subscriber
from zero2prod_core.ports.deliveries import Backlog, DeliveryLedger, Expired, Settled

__all__ = ["InMemoryDeliveryLedger"]

LEASED = DeliveryState.LEASED
TRIED = frozenset({DeliveryState.SENT, DeliveryState.FAILED})
LATEST = datetime.max.replace(tzinfo=UTC)
"""The end of the calendar: by then every waiting row is due."""


class InMemoryDeliveryLedger(DeliveryLedger):
    """See the port. A claim looks at the due rows of open letters only, so that a paused million costs nothing."""

    def __init__(self, tables: Tables, overlay: Overlay, clock: Callable[[], Instant]) -> None:
        self._rows = DeliveryRows(tables.deliveries, overlay)
        self._leases = overlay.of(tables.leases)
        self._sums = overlay.of(tables.delivery_sums)
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

    async def postpone_batch(self, lease: UUID, postponed: Sequence[Postponed]) -> int:
        found = [(self._rows.get(each.key), each.until) for each in postponed]
        held = [(row, until) for row, until in found if row and row.lease == lease and row.state is LEASED]
        for row, until in held:
            self._rows.put(attrs.evolve(row, state=DeliveryState.PENDING, lease=None, due_at=until))
        return len(held)

    async def release(self, lease: UUID, at: Instant | None = None) -> Expired:
        return self._end(lease, at or self._clock())

    async def expire(self, at: Instant | None = None) -> Expired:
        now = at or self._clock()
        ended = [self._end(lease, now) for lease, held in self._leases.items() if not held.holds(now)]
        for row in self._rows.uncertain():
            if row.due_at <= now and self._resends(row.key.letter):
                self._rows.put(attrs.evolve(row, state=DeliveryState.PENDING))
        return Expired(sum(end.returned for end in ended), sum(end.uncertain for end in ended))

    async def cancel_batch(self, limit: int, at: Instant | None = None) -> int:
        waiting = self._rows.due(lambda letter, _: self._is(letter, LetterState.CLOSED), LATEST)
        cancelled = list(islice(waiting, limit))
        for row in cancelled:
            self._rows.put(row.put_down(DeliveryState.CANCELLED, at or self._clock()))
        return len(cancelled)

    async def revive(self, letter: UUID, give_up_after: timedelta, at: Instant | None = None) -> int:
        now = at or self._clock()
        failed = [row for row in self._rows.of(letter) if row.state is DeliveryState.FAILED]
        for row in failed:
            self._rows.put(row.revived(now + give_up_after, now))
        return len(failed)

    async def doubtful(self, letter: UUID, limit: int, after: DeliveryKey | None = None) -> Sequence[InDoubt]:
        rows = self._behind(letter, DeliveryState.UNCERTAIN, after)[:limit]
        return [InDoubt(row.key, self._recipients.email_of(row), row.attempts, row.due_at, row.reply) for row in rows]

    async def failures(self, letter: UUID, limit: int, after: DeliveryKey | None = None) -> Sequence[FailedDelivery]:
        rows = self._behind(letter, DeliveryState.FAILED, after)[:limit]
        return [FailedDelivery(row.key, self._recipients.email_of(row), row.attempts, row.reply) for row in rows]

    async def resolve(
        self, letter: UUID, resolution: Resolution, recipients: Collection[UUID] | None, at: Instant | None = None
    ) -> int:
        rows = [row for row in self._rows.of(letter) if row.state is DeliveryState.UNCERTAIN]
        chosen = [row for row in rows if recipients is None or row.key.recipient in recipients]
        for row in chosen:
            self._rows.put(row.resolved(resolution, at or self._clock()))
        return len(chosen)

    async def recent(self, letter: UUID, limit: int) -> Sequence[Recent]:
        settled = [(row.settled_at, row) for row in self._rows.of(letter) if row.settled_at and row.state in TRIED]
        latest = sorted(settled, key=lambda each: each[0], reverse=True)[:limit]
        return [Recent(row.domain, row.blames_letter) for _, row in latest]

    async def forgive(self, letter: UUID) -> int:
        blaming = [row for row in self._rows.of(letter) if row.blames_letter]
        for row in blaming:
            self._rows.put(attrs.evolve(row, blames_letter=False))
        return len(blaming)

    async def compact(self, before: Instant, limit: int) -> int:
        letters = [letter for letter in self._rows.letters() if self._is_over(letter)]
        rows = [row for letter in letters for row in self._rows.of(letter) if row.is_spent]
        old = [row for row in rows if row.settled_at and row.settled_at < before][:limit]
        for row in old:
            self._rows.remove(row.key)
            counted = (row.key.letter, row.state)
            self._sums.put(counted, (self._sums.get(counted) or 0) + 1)
        return len(old)

    async def of_recipients(self, recipients: Collection[UUID]) -> Sequence[Mailing]:
        rows = sorted(self._rows.of_recipients(recipients), key=lambda row: (row.enqueued_at, row.key))
        return [_mailing(row, letter) for row in rows if (letter := self._letters.get(row.key.letter))]

    async def forget(self, recipients: Collection[UUID], at: Instant | None = None) -> None:
        for row in self._rows.of_recipients(recipients):
            self._rows.put(row.forgotten(at or self._clock()))

    async def sums(self, letter: UUID) -> Mapping[DeliveryState, int]:
        removed = {state: self._sums.get((letter, state)) or 0 for state in DeliveryState}
        return +(self._rows.sums(letter) + Counter(removed))

    async def possibly_twice(self, letter: UUID) -> int:
        return sum(row.is_possibly_twice for row in self._rows.of(letter))

    async def any_sent(self, letters: Collection[UUID]) -> bool:
        return any([(await self.sums(letter)).get(DeliveryState.SENT) for letter in letters])

    async def states(self, keys: Sequence[DeliveryKey]) -> Mapping[DeliveryKey, DeliveryState]:
        return {row.key: row.state for row in map(self._rows.get, keys) if row is not None}

    async def unfinished(self, at: Instant | None = None) -> int:
        return self._rows.unfinished(self._is_open, at or self._clock())

    async def backlog(self, at: Instant | None = None) -> Mapping[LetterKind, Backlog]:
        now = at or self._clock()
        since: dict[LetterKind, list[Instant]] = {}
        for row in self._rows.due(lambda letter, _: self._is_open(letter), now):
            if letter := self._letters.get(row.key.letter):
                since.setdefault(letter.kind, []).append(row.due_at)
        return {kind: Backlog(len(times), now - min(times)) for kind, times in since.items()}

    def _behind(self, letter: UUID, state: DeliveryState, after: DeliveryKey | None) -> list[Row]:
        rows = [row for row in self._rows.of(letter) if row.state is state]
        return sorted((row for row in rows if after is None or row.key > after), key=lambda row: row.key)

    def _add(self, row: Row) -> bool:
        new = self._rows.get(row.key) is None
        if new:
            self._rows.put(row)
        return new

    def _due(self, urgent: bool, at: Instant) -> Iterator[Row]:
        return self._rows.due(lambda letter, grade: (grade == URGENT) == urgent and self._is_open(letter), at)

    def _claim(self, row: Row, lease: UUID, at: Instant) -> Claimed | None:
        """Lease a due row; one that may not be mailed any more gets the state that says why."""
        useless = row.give_up_at <= at and not row.key.is_of_issue
        verdict = DeliveryState.FAILED if useless else self._judge(row, at)
        if not isinstance(verdict, Recipient):
            self._rows.put(row.put_down(verdict, at))
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
            verdict.fields,
            verdict.tags,
        )

    def _judge(self, row: Row, at: Instant) -> Recipient | DeliveryState:
        letter = self._letters.get(row.key.letter)
        if letter is None or letter.state is LetterState.PAUSED:
            return DeliveryState.PENDING
        if letter.state is LetterState.CLOSED:
            return DeliveryState.CANCELLED
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
        self._rows.put(row.put_down(verdict, at))
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
        return self._is(letter, LetterState.OPEN)

    def _is(self, letter: UUID, state: LetterState) -> bool:
        found = self._letters.get(letter)
        return found is not None and found.state is state

    def _is_over(self, letter: UUID) -> bool:
        """Whether the letter's old rows may go: it is closed, or no issue's."""
        found = self._letters.get(letter)
        return found is not None and (found.state is LetterState.CLOSED or found.kind is not LetterKind.ISSUE)

    def _resends(self, letter: UUID) -> bool:
        found = self._letters.get(letter)
        return found is not None and found.state is LetterState.OPEN and found.uncertain is UncertainPolicy.RESEND


def _delivery(letter: Letter, subscriber: Subscriber, give_up_at: Instant) -> NewDelivery:
    key = DeliveryKey(letter.id, subscriber.id)
    domain, digest = subscriber.email.domain, subscriber.digest
    return NewDelivery(key, RecipientKind.SUBSCRIBER, domain, digest, letter.priority, give_up_at)


def _mailing(row: Row, letter: Letter) -> Mailing:
    recipient, subject = row.key.recipient, letter.subject
    return Mailing(recipient, letter.kind, subject, row.state, row.attempts, row.enqueued_at, row.settled_at, row.reply)
