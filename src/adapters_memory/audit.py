from collections.abc import Sequence
from heapq import nlargest

from adapters_memory.overlay import Overlay
from adapters_memory.tables import Tables
from zero2prod_core.domain.audit import AuditEvent
from zero2prod_core.ports.audit import AuditLog

__all__ = ["InMemoryAuditLog"]


class InMemoryAuditLog(AuditLog):
    def __init__(self, tables: Tables, overlay: Overlay) -> None:
        self._events = overlay.of(tables.audit)

    async def append_batch(self, events: Sequence[AuditEvent]) -> None:
        for event in events:
            self._events.put(event.id, event)

    async def tail(self, limit: int) -> Sequence[AuditEvent]:
        return nlargest(limit, self._events.values(), key=lambda event: (event.occurred_at, event.id))
