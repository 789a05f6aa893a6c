from collections.abc import Collection, Mapping, Sequence

from adapters_memory.overlay import Overlay
from adapters_memory.tables import Tables
from zero2prod_core.domain.breakers import Breaker, BreakerKey
from zero2prod_core.domain.deliveries import Scope
from zero2prod_core.ports.breakers import BreakerRepository

__all__ = ["InMemoryBreakerRepository"]


class InMemoryBreakerRepository(BreakerRepository):
    def __init__(self, tables: Tables, overlay: Overlay) -> None:
        self._breakers = overlay.of(tables.breakers)

    async def hold_batch(self, keys: Collection[BreakerKey]) -> Mapping[BreakerKey, Breaker]:
        return self._breakers.get_batch(keys)

    async def save_batch(self, breakers: Sequence[Breaker]) -> None:
        for breaker in breakers:
            self._breakers.put(breaker.key, breaker)

    async def remove_batch(self, keys: Collection[BreakerKey]) -> None:
        for key in keys:
            self._breakers.remove(key)

    async def list(self, limit: int) -> Sequence[Breaker]:
        return sorted(self._breakers.values(), key=_weight)[:limit]


def _weight(breaker: Breaker) -> tuple[bool, int, str]:
    return breaker.key.scope is not Scope.RELAY, -breaker.failures, breaker.key.subject
