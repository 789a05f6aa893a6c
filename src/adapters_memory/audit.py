from collections.abc import Collection, Sequence
from heapq import nlargest
from uuid import UUID

from adapters_memory.overlay import Overlay
from adapters_memory.tables import Tables
from zero2prod_core.domain.audit import AuditEvent, Resource
from zero2prod_core.domain.instants import Instant
from zero2prod_core.ports.audit import AuditLog

__all__ = ["InMemoryAuditLog"]


class InMemoryAuditLog(AuditLog):
    def __init__(self, tables: Tables, overlay: Overlay) -> None:
        self._by_resource = tables.audit_by_resource
        self._events = overlay.of(tables.audit)

    async def append_batch(self, events: Sequence[AuditEvent]) -> None:
        for event in events:
            self._events.put(event.id, event)

    async def tail(self, limit: int) -> Sequence[AuditEvent]:
        return nlargest(limit, self._events.values(), key=_age)

    async def about(self, resources: Collection[Resource], limit: int) -> Sequence[AuditEvent]:
        return nlargest(limit, self._about(resources), key=_age)[::-1]

    async def forget(self, resources: Collection[Resource]) -> None:
        for event in self._about(resources):
            self._events.put(event.id, event.without_details)

    def _about(self, resources: Collection[Resource]) -> list[AuditEvent]:
        return [event for resource in set(resources) for event in self._events.where(self._by_resource, resource)]


def _age(event: AuditEvent) -> tuple[Instant, UUID]:
    return event.occurred_at, event.id
