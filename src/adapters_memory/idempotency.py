from adapters_memory.overlay import Overlay
from adapters_memory.tables import Tables
from zero2prod_core.domain.idempotency import IdempotencyRecord
from zero2prod_core.domain.instants import Instant
from zero2prod_core.ports.idempotency import IdempotencyRepository

__all__ = ["InMemoryIdempotencyRepository"]


class InMemoryIdempotencyRepository(IdempotencyRepository):
    """See the port. Whoever else holds the key holds the store's one lock, and has been waited for already."""

    def __init__(self, tables: Tables, overlay: Overlay) -> None:
        self._records = overlay.of(tables.idempotency)

    async def claim(self, record: IdempotencyRecord) -> IdempotencyRecord:
        key = (record.newsletter, record.key.text)
        found = self._records.get(key)
        if found is None:
            self._records.put(key, record)
        return found or record

    async def sweep(self, created_before: Instant, limit: int) -> int:
        return self._records.remove_where(lambda record: record.created_at < created_before, limit)
