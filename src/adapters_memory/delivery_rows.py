"""The rows of the ledger and of its leases, with what makes claiming and counting cheap."""

from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from heapq import merge
from itertools import takewhile
from typing import Final, TypeAlias
from uuid import UUID

import attrs

from adapters_memory.overlay import Overlay, Table
from zero2prod_core.domain.deliveries import (
    RESEND_AFTER,
    DeliveryKey,
    DeliveryState,
    NewDelivery,
    RecipientKind,
    Reply,
    Resolution,
    Ruling,
)
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.suppressions import Digest

__all__ = ["HELD", "WAITING", "Arrivals", "DeliveryRows", "DeliveryTable", "Lease", "Row"]

WAITING: Final = frozenset({DeliveryState.PENDING, DeliveryState.DEFERRED})
HELD: Final = frozenset({DeliveryState.LEASED, DeliveryState.ATTEMPTING})
SETTLED: Final = frozenset(
    {DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.SUPPRESSED, DeliveryState.CANCELLED}
)


@attrs.frozen
class Lease:
    """A worker's hold on ``keys``, those of them that still point to it."""

    worker: str
    expires_at: Instant
    keys: tuple[DeliveryKey, ...]

    def holds(self, at: Instant) -> bool:
        return at < self.expires_at


@attrs.frozen
class Row:
    """``attempts`` counts the tries that are over and count; ``uncertain_attempts`` those whose answer was lost."""

    key: DeliveryKey
    kind: RecipientKind
    domain: str
    digest: Digest
    priority: int
    give_up_at: Instant
    enqueued_at: Instant
    due_at: Instant
    state: DeliveryState = DeliveryState.PENDING
    attempts: int = 0
    uncertain_attempts: int = 0
    lease: UUID | None = None
    reply: Reply | None = None
    settled_at: Instant | None = None
    blames_letter: bool = False

    @classmethod
    def new(cls, new: NewDelivery, at: Instant) -> "Row":
        return cls(new.key, new.kind, new.domain, new.digest, new.priority, new.give_up_at, at, at)

    @property
    def turn(self) -> "Turn":
        return self.priority, self.due_at, self.key

    def awaits_late(self, ruling: Ruling) -> bool:
        """Whether this is the server's 250 after the lease's end: the row is still held, or already believed lost."""
        held = self.state is DeliveryState.ATTEMPTING and self.lease == ruling.lease
        lost = self.state is DeliveryState.UNCERTAIN and self.attempts == ruling.attempt
        late = lost or (held and self.attempts + 1 == ruling.attempt)
        return late and ruling.state is DeliveryState.SENT

    def ruled(self, ruling: Ruling, at: Instant) -> "Row":
        due_at, state = at + ruling.retry_in, ruling.state
        give_up_at = at + ruling.give_up_in if ruling.give_up_in else self.give_up_at
        if state is DeliveryState.DEFERRED and due_at > give_up_at:
            state = DeliveryState.FAILED
        lost = (state is DeliveryState.UNCERTAIN) - (self.state is DeliveryState.UNCERTAIN)
        return attrs.evolve(
            self,
            state=state,
            attempts=ruling.attempts,
            uncertain_attempts=self.uncertain_attempts + lost,
            due_at=due_at,
            give_up_at=give_up_at,
            lease=None,
            reply=ruling.reply if self.domain else None,
            settled_at=at if state in SETTLED else None,
            blames_letter=ruling.blames_letter,
        )

    def at_lease_end(self, at: Instant) -> "Row":
        """A mail that was under way may have been taken: its attempt counts, and it waits for a late answer."""
        if self.state is not DeliveryState.ATTEMPTING:
            return self.put_down(DeliveryState.PENDING, at)
        return attrs.evolve(
            self,
            state=DeliveryState.UNCERTAIN,
            attempts=self.attempts + 1,
            uncertain_attempts=self.uncertain_attempts + 1,
            due_at=at + RESEND_AFTER,
            lease=None,
        )

    def put_down(self, state: DeliveryState, at: Instant) -> "Row":
        """Nothing was sent, and nobody holds it any more."""
        return attrs.evolve(self, state=state, lease=None, settled_at=at if state in SETTLED else None)

    def forgotten(self, at: Instant) -> "Row":
        """Without what it tells of its recipient, nor what a server will yet tell, and not waiting any more."""
        row = self.put_down(DeliveryState.CANCELLED, at) if self.state in WAITING else self
        return attrs.evolve(row, reply=None, domain="")

    def revived(self, give_up_at: Instant, at: Instant) -> "Row":
        return attrs.evolve(
            self,
            state=DeliveryState.PENDING,
            due_at=at,
            give_up_at=give_up_at,
            attempts=0,
            settled_at=None,
            blames_letter=False,
        )

    def resolved(self, resolution: Resolution, at: Instant) -> "Row":
        """As a person decided about a mail in doubt."""
        if resolution is Resolution.RESEND:
            return attrs.evolve(self, state=DeliveryState.PENDING, due_at=at)
        doubts = self.uncertain_attempts - 1
        return attrs.evolve(self, state=DeliveryState.SENT, settled_at=at, uncertain_attempts=doubts)

    @property
    def is_spent(self) -> bool:
        """Whether nobody asks for the row once it is old: its sum says it all."""
        sent = self.state is DeliveryState.SENT and not self.uncertain_attempts
        return sent or self.state in {DeliveryState.SUPPRESSED, DeliveryState.CANCELLED}

    @property
    def is_possibly_twice(self) -> bool:
        return self.uncertain_attempts > (self.state is not DeliveryState.SENT)


Turn: TypeAlias = tuple[int, Instant, DeliveryKey]
"""Most urgent first, then longest due, then in the order of keys."""

Queue: TypeAlias = tuple[UUID, int]
"""A letter and a priority: within one, turns are in the order of their due times."""


class Agenda:
    """The turns of committed waiting rows, in order, for each queue: those of a paused letter are never looked at."""

    def __init__(self) -> None:
        self._turns: dict[Queue, list[Turn]] = {}

    def queues(self) -> Iterable[Queue]:
        return self._turns.keys()

    def due(self, queue: Queue, at: Instant) -> Iterator[Turn]:
        return takewhile(lambda turn: turn[1] <= at, self._turns[queue])

    def count_due(self, queue: Queue, at: Instant) -> int:
        return bisect_right(self._turns[queue], at, key=lambda turn: turn[1])

    def changed(self, key: DeliveryKey, old: Row | None, new: Row | None) -> None:
        if old is not None and old.state in WAITING:
            self._drop((key.letter, old.priority), old.turn)
        if new is not None and new.state in WAITING:
            insort(self._turns.setdefault((key.letter, new.priority), []), new.turn)

    def _drop(self, queue: Queue, turn: Turn) -> None:
        turns = self._turns[queue]
        del turns[bisect_left(turns, turn)]
        if not turns:
            del self._turns[queue]


class Tally:
    """How many committed rows of each letter are in each state."""

    def __init__(self) -> None:
        self._counts: dict[UUID, Counter[DeliveryState]] = {}

    def letters(self) -> Iterable[UUID]:
        return self._counts.keys()

    def of(self, letter: UUID) -> Counter[DeliveryState]:
        return Counter(self._counts.get(letter, {}))

    def changed(self, key: DeliveryKey, old: Row | None, new: Row | None) -> None:
        counts = self._counts.setdefault(key.letter, Counter())
        if old is not None:
            counts[old.state] -= 1
        if new is not None:
            counts[new.state] += 1


@attrs.frozen
class Arrivals:
    """Tells a listener of every row that was added."""

    listener: Callable[[], object]

    def changed(self, key: DeliveryKey, old: Row | None, new: Row | None) -> None:
        if old is None and new is not None:
            self.listener()


class DeliveryTable(Table[DeliveryKey, Row]):
    """The ledger's committed rows; ``uncertain`` finds the rows that are."""

    def __init__(self) -> None:
        super().__init__()
        self.agenda = Agenda()
        self.tally = Tally()
        self.watch(self.agenda)
        self.watch(self.tally)
        self.by_letter = self.index(lambda row: row.key.letter)
        self.uncertain = self.index(lambda row: row.state is DeliveryState.UNCERTAIN or None)


class DeliveryRows:
    """The ledger's rows as one transaction sees them: what is committed, corrected by its own changes."""

    def __init__(self, table: DeliveryTable, overlay: Overlay) -> None:
        self._table = table
        self._view = overlay.of(table)

    def get(self, key: DeliveryKey) -> Row | None:
        return self._view.get(key)

    def put(self, row: Row) -> None:
        self._view.put(row.key, row)

    def uncertain(self) -> list[Row]:
        return self._view.where(self._table.uncertain, True)

    def of(self, letter: UUID) -> list[Row]:
        return self._view.where(self._table.by_letter, letter)

    def of_recipients(self, recipients: Collection[UUID]) -> list[Row]:
        """By looking at every row: it is asked for one person at a time, and each row would pay for an index."""
        return [row for row in self._view.values() if row.key.recipient in recipients]

    def remove(self, key: DeliveryKey) -> None:
        self._view.remove(key)

    def letters(self) -> Iterable[UUID]:
        """The letters of committed rows."""
        return list(self._table.tally.letters())

    def due(self, wanted: Callable[[UUID, int], bool], at: Instant) -> Iterator[Row]:
        """Waiting rows that are due, of wanted letters and priorities, in turn. The rows handed out may be changed."""
        own = [row.turn for row in self._changed_rows() if row.state in WAITING and row.due_at <= at]
        queues = [self._due_unchanged(queue, at) for queue in self._table.agenda.queues() if wanted(*queue)]
        turns = merge(*queues, sorted(turn for turn in own if wanted(turn[2].letter, turn[0])))
        return filter(None, (self.get(key) for _, _, key in turns))

    def sums(self, letter: UUID) -> Counter[DeliveryState]:
        """How many rows of a letter are in each state."""
        counts = self._table.tally.of(letter)
        for key, old, new in self._view.differences():
            if key.letter == letter:
                counts.subtract([row.state for row in (old,) if row])
                counts.update([row.state for row in (new,) if row])
        return +counts

    def unfinished(self, is_open: Callable[[UUID], bool], at: Instant) -> int:
        """How many rows of open letters a worker has, or could have now."""
        agenda, tally = self._table.agenda, self._table.tally
        held = sum(tally.of(letter)[state] for letter in tally.letters() if is_open(letter) for state in HELD)
        waiting = sum(agenda.count_due(queue, at) for queue in agenda.queues() if is_open(queue[0]))
        own = [(old, new) for key, old, new in self._view.differences() if is_open(key.letter)]
        return held + waiting + sum(_awaits(new, at) - _awaits(old, at) for old, new in own)

    def _due_unchanged(self, queue: Queue, at: Instant) -> Iterator[Turn]:
        return (turn for turn in self._table.agenda.due(queue, at) if turn[2] not in self._view.changes)

    def _changed_rows(self) -> list[Row]:
        return [row for row in self._view.changes.values() if row is not None]


def _awaits(row: Row | None, at: Instant) -> bool:
    return row is not None and (row.state in HELD or (row.state in WAITING and row.due_at <= at))
