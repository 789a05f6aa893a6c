from collections.abc import Callable, Collection, Mapping, Sequence

from adapters_memory.overlay import Overlay
from adapters_memory.tables import Tables
from zero2prod_core.domain.breakers import Breaker, BreakerKey
from zero2prod_core.domain.deliveries import Scope
from zero2prod_core.domain.instants import Instant
from zero2prod_core.ports.breakers import BreakerRepository

__all__ = ["InMemoryBreakerRepository"]


class InMemoryBreakerRepository(BreakerRepository):
    def __init__(self, tables: Tables, overlay: Overlay, clock: Callable[[], Instant]) -> None:
        self._clock = clock
        self._breakers = overlay.of(tables.breakers)

    async def hold_batch(self, keys: Collection[BreakerKey]) -> Mapping[BreakerKey, Breaker]:
        return self._breakers.get_batch(keys)

    async def add_batch(self, breakers: Sequence[Breaker]) -> None:
        known = self._breakers.get_batch([breaker.key for breaker in breakers])
        await self.save_batch([breaker for breaker in breakers if breaker.key not in known])

    async def save_batch(self, breakers: Sequence[Breaker]) -> None:
        for breaker in breakers:
            self._breakers.put(breaker.key, breaker)

    async def remove_batch(self, keys: Collection[BreakerKey]) -> None:
        for key in keys:
            self._breakers.remove(key)

    async def sweep(self, before: Instant, limit: int) -> int:
        return self._breakers.remove_where(lambda breaker: breaker.open_until < before, limit)

    async def list(self, limit: int, at: Instant | None = None) -> Sequence[Breaker]:
        now = at or self._clock()
        return sorted((each for each in self._breakers.values() if each.is_open(now)), key=_weight)[:limit]


def _weight(breaker: Breaker) -> tuple[bool, int, str]:
    return breaker.key.scope is not Scope.RELAY, -breaker.failures, breaker.key.subject
