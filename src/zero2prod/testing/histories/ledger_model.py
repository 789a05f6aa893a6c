"""What the ledger should do, written over plain dicts and without any cleverness."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

import attrs

from zero2prod_core.domain.deliveries import (
    RESEND_AFTER,
    TRANSITIONS,
    Claimed,
    DeliveryKey,
    DeliveryState,
    Mark,
    NewDelivery,
    Resolution,
    Ruling,
)
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.letters import URGENT, LetterState
from zero2prod_core.ports.deliveries import Backlog, Expired, Settled

PENDING, DEFERRED, LEASED = DeliveryState.PENDING, DeliveryState.DEFERRED, DeliveryState.LEASED
ATTEMPTING, UNCERTAIN, SENT = DeliveryState.ATTEMPTING, DeliveryState.UNCERTAIN, DeliveryState.SENT
FAILED, SUPPRESSED, CANCELLED = DeliveryState.FAILED, DeliveryState.SUPPRESSED, DeliveryState.CANCELLED
WAITING, HELD = (PENDING, DEFERRED), (LEASED, ATTEMPTING)
SETTLED = (SENT, FAILED, SUPPRESSED, CANCELLED)

FEW_LOOKS = 5
"""Rows that every backend puts down on the way of one claim, even if it looks at one at a time."""


@attrs.define
class Row:
    """A delivery. ``marks`` counts those granted since it was last known that no mail was under way, ``doubts`` the
    answers that were lost and never came.
    """

    key: DeliveryKey
    priority: int
    due: Instant
    give_up: Instant
    state: DeliveryState = PENDING
    attempts: int = 0
    lease: UUID | None = None
    marks: int = 0
    doubts: int = 0
    settled: Instant | None = None
    blamed: bool = False

    def become(self, state: DeliveryState, at: Instant) -> None:
        assert state in TRANSITIONS[self.state], f"{self.state} → {state}"
        if state is ATTEMPTING:
            self.marks += 1
            assert self.marks == 1, f"two marks of {self.key} with nothing between them"
        else:
            self.marks = 0
        self.lease = self.lease if state in HELD else None
        self.settled = at if state in SETTLED else None
        self.doubts += (state is UNCERTAIN) - (self.state is UNCERTAIN and state is SENT)
        self.state = state

    @property
    def is_spent(self) -> bool:
        return self.state in (SUPPRESSED, CANCELLED) or (self.state is SENT and not self.doubts)


@attrs.define
class LedgerModel:
    """A ledger. ``resends`` says which letters resend, ``readers`` who wants mail, ``audience`` how many rows each has
    ever had, and ``gone`` what became of those that were compacted.
    """

    rows: dict[DeliveryKey, Row] = attrs.Factory(dict)
    leases: dict[UUID, Instant] = attrs.Factory(dict)
    letters: dict[UUID, LetterState] = attrs.Factory(dict)
    resends: dict[UUID, bool] = attrs.Factory(dict)
    readers: dict[UUID, bool] = attrs.Factory(dict)
    audience: Counter[UUID] = attrs.Factory(Counter)
    gone: Counter[tuple[UUID, DeliveryState]] = attrs.Factory(Counter)

    def enqueue(self, deliveries: Sequence[NewDelivery], at: Instant) -> int:
        new = {each.key: each for each in deliveries if each.key not in self.rows}
        self.rows |= {each.key: Row(each.key, each.priority, at, each.give_up_at) for each in new.values()}
        self.audience.update(key.letter for key in new)
        return len(new)

    def enqueue_audience(self, letter: UUID, priority: int, give_up_after: timedelta, at: Instant) -> int:
        keys = {DeliveryKey(letter, reader) for reader, wants in self.readers.items() if wants} - self.rows.keys()
        self.rows |= {key: Row(key, priority, at, at + give_up_after) for key in keys}
        self.audience[letter] += len(keys)
        return len(keys)

    def limit(self, limit: int, at: Instant, *, urgent: bool) -> int:
        """The limit; or all rows, where it would cut between rows whose turn comes together, or where so many may not
        be mailed that a claim might rather end than look further.
        """
        due = self._due(at, urgent=urgent)
        turns = sorted(_turn(row) for row in due if self._verdict(row, at) is LEASED)
        if len(due) - len(turns) >= FEW_LOOKS:
            return len(self.rows)
        ties = [row for row in due if limit < len(turns) and _turn(row) == turns[limit - 1]]
        return limit if len(ties) <= 1 else len(self.rows)

    def claim(
        self,
        claimed: Sequence[Claimed],
        states: Mapping[DeliveryKey, DeliveryState],
        limit: int,
        at: Instant,
        *,
        urgent: bool,
    ) -> None:
        """Check what a claim took and what it put down on its way, and do the same."""
        due = {row.key: row for row in self._due(at, urgent=urgent)}
        good = [row for row in due.values() if self._verdict(row, at) is LEASED]
        taken = [due[each.key] for each in claimed]
        assert len({row.key for row in taken}) == len(taken) == min(limit, len(good))
        left = [row for row in good if row not in taken]
        assert all(_turn(row) <= _turn(other) for row in taken for other in left)
        for row in due.values():
            if row not in good and (len(taken) < limit or states[row.key] is not row.state):
                row.become(self._verdict(row, at), at)
        for each in claimed:
            assert each.attempt == due[each.key].attempts + 1
            due[each.key].become(LEASED, at)
            due[each.key].lease = each.lease

    def lease(self, lease: UUID, until: Instant) -> None:
        self.leases[lease] = until

    def renew(self, lease: UUID, until: Instant, at: Instant) -> bool:
        holds = self._holds(lease, at)
        if holds:
            self.leases[lease] = until
        return holds

    def settle(self, rulings: Sequence[Ruling], marks: Sequence[Mark], at: Instant) -> Settled:
        applied = tuple(self._apply(ruling, at) for ruling in rulings)
        return Settled(applied, tuple(self._grant(mark, at) for mark in marks))

    def end(self, lease: UUID, at: Instant) -> Expired:
        rows = [row for row in self.rows.values() if row.lease == lease]
        attempting = [row for row in rows if row.state is ATTEMPTING]
        for row in rows:
            if row in attempting:
                row.become(UNCERTAIN, at)
                row.attempts, row.due = row.attempts + 1, at + RESEND_AFTER
            else:
                row.become(PENDING, at)
        self.leases.pop(lease, None)
        return Expired(len(rows) - len(attempting), len(attempting))

    def expire(self, at: Instant) -> Expired:
        ends = [self.end(lease, at) for lease in list(self.leases) if not self._holds(lease, at)]
        for row in self.rows.values():
            letter = row.key.letter
            if row.state is UNCERTAIN and row.due <= at and self.is_open(letter) and self.resends[letter]:
                row.become(PENDING, at)
        return Expired(sum(end.returned for end in ends), sum(end.uncertain for end in ends))

    def postpone(self, lease: UUID, keys: Collection[DeliveryKey], until: Instant, at: Instant) -> int:
        found = [self.rows[key] for key in keys if key in self.rows]
        rows = [row for row in found if row.lease == lease and row.state is LEASED]
        for row in rows:
            row.become(PENDING, at)
            row.due = until
        return len(rows)

    def spare(self) -> list[Row]:
        """What may be cancelled."""
        waiting = [row for row in self.rows.values() if row.state in WAITING]
        return [row for row in waiting if self.letters[row.key.letter] is LetterState.CLOSED]

    def cancel(self, states: Mapping[DeliveryKey, DeliveryState], limit: int, at: Instant) -> int:
        """Do as the store did, which chose for itself whom to cancel."""
        spare = self.spare()
        for row in spare:
            if states[row.key] is CANCELLED:
                row.become(CANCELLED, at)
        assert sum(row.state is CANCELLED for row in spare) == min(limit, len(spare))
        return min(limit, len(spare))

    def revive(self, letter: UUID, give_up_after: timedelta, at: Instant) -> int:
        failed = [row for row in self._of(letter) if row.state is FAILED]
        for row in failed:
            row.become(PENDING, at)
            row.due, row.give_up, row.blamed, row.attempts = at, at + give_up_after, False, 0
        return len(failed)

    def forgive(self, letter: UUID) -> int:
        blaming = [row for row in self._of(letter) if row.blamed]
        for row in blaming:
            row.blamed = False
        return len(blaming)

    def resolve(self, letter: UUID, resolution: Resolution, recipients: Collection[UUID] | None, at: Instant) -> int:
        doubtful = [row for row in self._of(letter) if row.state is UNCERTAIN]
        chosen = [row for row in doubtful if recipients is None or row.key.recipient in recipients]
        for row in chosen:
            row.become(SENT if resolution is Resolution.ACCEPT else PENDING, at)
            row.due = at
        return len(chosen)

    def compact(self, before: Instant, states: Mapping[DeliveryKey, DeliveryState], limit: int) -> int:
        """Do as the store did, which chose for itself what to remove."""
        closed = [row for row in self.rows.values() if self.letters[row.key.letter] is LetterState.CLOSED]
        old = [row for row in closed if row.is_spent and row.settled and row.settled < before]
        removed = [row for row in old if row.key not in states]
        assert len(removed) == min(limit, len(old))
        for row in removed:
            self.gone[row.key.letter, row.state] += 1
            del self.rows[row.key]
        return len(removed)

    def states(self) -> dict[DeliveryKey, DeliveryState]:
        return {key: row.state for key, row in self.rows.items()}

    def sums(self, letter: UUID) -> Counter[DeliveryState]:
        gone = Counter({state: self.gone[letter, state] for state in SETTLED})
        return +(Counter(row.state for row in self._of(letter)) + gone)

    def doubtful(self, letter: UUID) -> list[tuple[DeliveryKey, int]]:
        """What is in doubt, with the number of its attempts."""
        return sorted((row.key, row.attempts) for row in self._of(letter) if row.state is UNCERTAIN)

    def possibly_twice(self, letter: UUID) -> int:
        return sum(row.doubts > (row.state is not SENT) for row in self._of(letter))

    def recent(self, letter: UUID) -> list[bool]:
        """Of each of a letter's last outcomes whether it was blamed for it, in no order."""
        return sorted(row.blamed for row in self._of(letter) if row.state in (SENT, FAILED))

    def holds(self, claim: Claimed) -> bool:
        """Whether a row is still held under the lease of a claim."""
        row = self.rows.get(claim.key)
        return row is not None and row.lease == claim.lease

    def is_open(self, letter: UUID) -> bool:
        return self.letters[letter] is LetterState.OPEN

    def unfinished(self, at: Instant) -> int:
        rows = [row for row in self.rows.values() if self.is_open(row.key.letter)]
        return sum(row.state in HELD or (row.state in WAITING and row.due <= at) for row in rows)

    def backlog(self, at: Instant) -> Backlog | None:
        """Of the issues, which all letters here are."""
        dues = [row.due for row in self.rows.values() if row.state in WAITING and self.is_open(row.key.letter)]
        over = [due for due in dues if due <= at]
        return Backlog(len(over), at - min(over)) if over else None

    def _due(self, at: Instant, *, urgent: bool) -> list[Row]:
        rows = [row for row in self.rows.values() if row.state in WAITING and row.due <= at]
        return [row for row in rows if self.is_open(row.key.letter) and (row.priority == URGENT) == urgent]

    def _of(self, letter: UUID) -> list[Row]:
        return [row for row in self.rows.values() if row.key.letter == letter]

    def _verdict(self, row: Row, at: Instant) -> DeliveryState:
        if row.give_up <= at and not row.key.is_of_issue:
            return FAILED
        return LEASED if self.readers[row.key.recipient] else SUPPRESSED

    def _holds(self, lease: UUID, at: Instant) -> bool:
        return lease in self.leases and at < self.leases[lease]

    def _current(self, row: Row, claim: Ruling | Mark, at: Instant) -> bool:
        return row.lease == claim.lease and self._holds(claim.lease, at) and row.attempts + 1 == claim.attempt

    def _arrived(self, row: Row, ruling: Ruling) -> bool:
        """A 250 is a fact, however late it is told: of the lease under which the row still is, or of a lost answer."""
        if row.state is UNCERTAIN:
            return row.attempts == ruling.attempt
        return row.state is ATTEMPTING and row.lease == ruling.lease and row.attempts + 1 == ruling.attempt

    def _apply(self, ruling: Ruling, at: Instant) -> bool:
        row = self.rows.get(ruling.key)
        if row is None:
            return False
        applies = self._current(row, ruling, at) and ruling.state in TRANSITIONS[row.state]
        applies = applies or (ruling.state is SENT and self._arrived(row, ruling))
        if applies:
            if ruling.give_up_in:
                row.give_up = at + ruling.give_up_in
            hopeless = ruling.state is DEFERRED and at + ruling.retry_in > row.give_up
            row.become(FAILED if hopeless else ruling.state, at)
            row.attempts, row.due, row.blamed = ruling.attempts, at + ruling.retry_in, ruling.blames_letter
        return applies

    def _grant(self, mark: Mark, at: Instant) -> bool:
        row = self.rows.get(mark.key)
        if row is None or row.state not in HELD or not self._current(row, mark, at):
            return False
        if row.state is ATTEMPTING:
            return True
        row.become(self._answer(row), at)
        return row.state is ATTEMPTING

    def _answer(self, row: Row) -> DeliveryState:
        """What a mark makes of a leased row."""
        if not self.is_open(row.key.letter):
            return CANCELLED if self.letters[row.key.letter] is LetterState.CLOSED else PENDING
        return ATTEMPTING if self.readers[row.key.recipient] else SUPPRESSED


def _turn(row: Row) -> tuple[int, Instant]:
    return row.priority, row.due
