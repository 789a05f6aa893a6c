from datetime import timedelta

from adapters_memory.store import InMemoryUnitOfWork
from zero2prod_core.domain.instants import Instant
from zero2prod_core.ports.store import Health, Heartbeats

__all__ = ["InMemoryHealth", "InMemoryHeartbeats"]


class InMemoryHealth(Health):
    """Memory is always there, and always has its latest shape."""

    async def check(self) -> dict[str, str]:
        return {"database": "ok", "schema": "ok"}


class InMemoryHeartbeats(Heartbeats):
    """The beats of workers in this process, on the store's clock."""

    def __init__(self, uow: InMemoryUnitOfWork) -> None:
        self._clock = uow.clock
        self._beats: dict[str, Instant] = {}

    async def beat(self, worker: str) -> None:
        self._beats[worker] = self._clock()

    async def last(self) -> timedelta | None:
        return self._clock() - max(self._beats.values()) if self._beats else None
