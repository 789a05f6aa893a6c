"""What the ledger should do, written over plain dicts and without any cleverness."""

from collections import Counter
from collections.abc import Mapping, Sequence
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
    Ruling,
)
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.letters import URGENT
from zero2prod_core.ports.deliveries import Expired, Settled

PENDING, DEFERRED, LEASED = DeliveryState.PENDING, DeliveryState.DEFERRED, DeliveryState.LEASED
ATTEMPTING, UNCERTAIN, SENT = DeliveryState.ATTEMPTING, DeliveryState.UNCERTAIN, DeliveryState.SENT
FAILED, SUPPRESSED = DeliveryState.FAILED, DeliveryState.SUPPRESSED
WAITING, HELD = (PENDING, DEFERRED), (LEASED, ATTEMPTING)

FEW_LOOKS = 5
"""Rows that every backend puts down on the way of one claim, even if it looks at one at a time."""


@attrs.define
class Row:
    """A delivery. ``marks`` counts those granted since it was last known that no mail was under way."""

    key: DeliveryKey
    priority: int
    due: Instant
    give_up: Instant
    state: DeliveryState = PENDING
    attempts: int = 0
    lease: UUID | None = None
    marks: int = 0

    def become(self, state: DeliveryState) -> None:
        assert state in TRANSITIONS[self.state], f"{self.state} → {state}"
        if state is ATTEMPTING:
            self.marks += 1
            assert self.marks == 1, f"two marks of {self.key} with nothing between them"
        else:
            self.marks = 0
        self.lease = self.lease if state in HELD else None
        self.state = state


@attrs.define
class LedgerModel:
    """A ledger. ``letters`` says of each whether it is open, ``resends`` which resend, ``readers`` who wants mail."""

    rows: dict[DeliveryKey, Row] = attrs.Factory(dict)
    leases: dict[UUID, Instant] = attrs.Factory(dict)
    letters: dict[UUID, bool] = attrs.Factory(dict)
    resends: dict[UUID, bool] = attrs.Factory(dict)
    readers: dict[UUID, bool] = attrs.Factory(dict)

    def enqueue(self, deliveries: Sequence[NewDelivery], at: Instant) -> int:
        new = {each.key: each for each in deliveries if each.key not in self.rows}
        self.rows |= {each.key: Row(each.key, each.priority, at, each.give_up_at) for each in new.values()}
        return len(new)

    def enqueue_audience(self, letter: UUID, priority: int, give_up_after: timedelta, at: Instant) -> int:
        keys = {DeliveryKey(letter, reader) for reader, wants in self.readers.items() if wants} - self.rows.keys()
        self.rows |= {key: Row(key, priority, at, at + give_up_after) for key in keys}
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
                row.become(self._verdict(row, at))
        for each in claimed:
            assert each.attempt == due[each.key].attempts + 1
            due[each.key].become(LEASED)
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
                row.become(UNCERTAIN)
                row.attempts, row.due = row.attempts + 1, at + RESEND_AFTER
            else:
                row.become(PENDING)
        self.leases.pop(lease, None)
        return Expired(len(rows) - len(attempting), len(attempting))

    def expire(self, at: Instant) -> Expired:
        ends = [self.end(lease, at) for lease in list(self.leases) if not self._holds(lease, at)]
        for row in self.rows.values():
            letter = row.key.letter
            if row.state is UNCERTAIN and row.due <= at and self.letters[letter] and self.resends[letter]:
                row.become(PENDING)
        return Expired(sum(end.returned for end in ends), sum(end.uncertain for end in ends))

    def states(self) -> dict[DeliveryKey, DeliveryState]:
        return {key: row.state for key, row in self.rows.items()}

    def sums(self, letter: UUID) -> Counter[DeliveryState]:
        return Counter(row.state for row in self.rows.values() if row.key.letter == letter)

    def unfinished(self, at: Instant) -> int:
        rows = [row for row in self.rows.values() if self.letters[row.key.letter]]
        return sum(row.state in HELD or (row.state in WAITING and row.due <= at) for row in rows)

    def _due(self, at: Instant, *, urgent: bool) -> list[Row]:
        rows = [row for row in self.rows.values() if row.state in WAITING and row.due <= at]
        return [row for row in rows if self.letters[row.key.letter] and (row.priority == URGENT) == urgent]

    def _verdict(self, row: Row, at: Instant) -> DeliveryState:
        if row.give_up <= at:
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
        row = self.rows[ruling.key]
        applies = self._current(row, ruling, at) and ruling.state in TRANSITIONS[row.state]
        applies = applies or (ruling.state is SENT and self._arrived(row, ruling))
        if applies:
            hopeless = ruling.state is DEFERRED and at + ruling.retry_in > row.give_up
            row.become(FAILED if hopeless else ruling.state)
            row.attempts, row.due = ruling.attempts, at + ruling.retry_in
        return applies

    def _grant(self, mark: Mark, at: Instant) -> bool:
        row = self.rows[mark.key]
        if row.state not in HELD or not self._current(row, mark, at):
            return False
        if row.state is ATTEMPTING:
            return True
        if not self.letters[row.key.letter]:
            row.become(PENDING)
        elif not self.readers[row.key.recipient]:
            row.become(SUPPRESSED)
        else:
            row.become(ATTEMPTING)
        return row.state is ATTEMPTING


def _turn(row: Row) -> tuple[int, Instant]:
    return row.priority, row.due
