from collections.abc import Callable, Collection, Mapping, Sequence

from adapters_memory.overlay import Overlay
from adapters_memory.tables import Tables
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.limits import Decision, Rate, take
from zero2prod_core.ports.limits import LimitKey, LimitRepository

__all__ = ["InMemoryLimitRepository"]


class InMemoryLimitRepository(LimitRepository):
    def __init__(self, tables: Tables, overlay: Overlay, clock: Callable[[], Instant]) -> None:
        self._cells = overlay.of(tables.limits)
        self._clock = clock

    async def take_batch(self, keys: Sequence[tuple[LimitKey, Rate]], at: Instant | None = None) -> Sequence[Decision]:
        now = at or self._clock()
        return [self._take(key, rate, now) for key, rate in keys]

    async def hold_batch(self, keys: Collection[LimitKey], at: Instant | None = None) -> Mapping[LimitKey, Instant]:
        now = at or self._clock()
        for key in keys:
            self._cells.put(key, self._cells.get(key) or now)
        return self._cells.get_batch(keys)

    async def write_batch(self, cells: Mapping[LimitKey, Instant]) -> None:
        for key, tat in cells.items():
            self._cells.put(key, tat)

    async def sweep(self, idle_before: Instant, limit: int) -> int:
        return self._cells.remove_where(lambda tat: tat < idle_before, limit)

    def _take(self, key: LimitKey, rate: Rate, at: Instant) -> Decision:
        decision = take(self._cells.get(key), rate, at)
        if decision.allowed:
            self._cells.put(key, decision.tat)
        return decision
