from abc import abstractmethod
from typing import Protocol

from zero2prod_core.domain.idempotency import IdempotencyRecord
from zero2prod_core.domain.instants import Instant


class IdempotencyRepository(Protocol):
    @abstractmethod
    async def claim(self, record: IdempotencyRecord) -> IdempotencyRecord:
        """Write the record unless its (newsletter, key) exists; returns the one that now stands.

        While another transaction holds the same key, waits for it up to 5 s, then raises IdempotencyKeyInUse.
        """

    @abstractmethod
    async def sweep(self, created_before: Instant, limit: int) -> int:
        """Remove at most ``limit`` records made before; returns how many."""
