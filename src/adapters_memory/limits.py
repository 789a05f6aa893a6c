from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import groupby

from adapters_memory.overlay import Overlay
from adapters_memory.tables import Tables
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.limits import Decision, Rate, take
from zero2prod_core.ports.limits import LimitKey, LimitRepository, Refused

__all__ = ["InMemoryLimitRepository"]


class InMemoryLimitRepository(LimitRepository):
    def __init__(self, tables: Tables, overlay: Overlay, clock: Callable[[], Instant]) -> None:
        self._cells = overlay.of(tables.limits)
        self._refusals = overlay.of(tables.limit_refusals)
        self._clock = clock

    async def take_batch(self, keys: Sequence[tuple[LimitKey, Rate]], at: Instant | None = None) -> Sequence[Decision]:
        now = at or self._clock()
        return [self._take(key, rate, now) for key, rate in keys]

    async def hold_batch(self, keys: Collection[LimitKey], at: Instant | None = None) -> Mapping[LimitKey, Instant]:
        now = at or self._clock()
        for key in keys:
            self._cells.put(key, self._cells.get(key) or now)
        return self._cells.get_batch(keys)

    async def peek_batch(self, keys: Collection[LimitKey]) -> Mapping[LimitKey, Instant]:
        return self._cells.get_batch(keys)

    async def write_batch(self, cells: Mapping[LimitKey, Instant]) -> None:
        for key, tat in cells.items():
            self._cells.put(key, tat)

    async def sweep(self, idle_before: Instant, limit: int) -> int:
        return self._cells.remove_where(lambda tat: tat < idle_before, limit)

    async def count_refusals(self, counts: Mapping[LimitKey, int], minute: Instant) -> None:
        for key, count in counts.items():
            self._refusals.put((minute, key), (self._refusals.get((minute, key)) or 0) + count)

    async def take_refusals(self, before: Instant, most: int) -> Sequence[Refused]:
        over = min((minute for (minute, _), _ in self._refusals.items() if minute < before), default=None)
        if over is None:
            return []
        rows = [(key, count) for (minute, key), count in self._refusals.items() if minute == over]
        for key, _ in rows:
            self._refusals.remove((over, key))
        rows.sort(key=lambda row: (row[0].scope, -row[1], row[0].subject))
        by_scope = groupby(rows, key=lambda row: row[0].scope)
        return [refused for scope, group in by_scope for refused in _told(scope, over, list(group), most)]

    def _take(self, key: LimitKey, rate: Rate, at: Instant) -> Decision:
        decision = take(self._cells.get(key), rate, at)
        if decision.allowed:
            self._cells.put(key, decision.tat)
        return decision


def _told(scope: str, minute: Instant, rows: Sequence[tuple[LimitKey, int]], most: int) -> Iterator[Refused]:
    """Of one scope, whose rows begin with the highest counts."""
    yield from (Refused(scope, key.subject, minute, count) for key, count in rows[:most])
    if rest := [count for _, count in rows[most:]]:
        yield Refused(scope, None, minute, sum(rest), len(rest))
