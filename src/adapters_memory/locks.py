from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from zero2prod_core.ports.store import Locks

__all__ = ["InMemoryLocks"]


class InMemoryLocks(Locks):
    """Locks between the tasks of one process, since no other process sees this store."""

    def __init__(self) -> None:
        self._held: set[str] = set()

    @asynccontextmanager
    async def try_hold(self, name: str) -> AsyncIterator[bool]:
        """Yields whether the lock called ``name`` is now held by this block."""
        if name in self._held:
            yield False
            return
        self._held.add(name)
        try:
            yield True
        finally:
            self._held.discard(name)
