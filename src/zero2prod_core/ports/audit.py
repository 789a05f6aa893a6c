from abc import abstractmethod
from collections.abc import Collection, Sequence
from typing import Protocol

from zero2prod_core.domain.audit import AuditEvent, Resource


class AuditLog(Protocol):
    """Append-only. Events written in a transaction stand or fall with it."""

    @abstractmethod
    async def append_batch(self, events: Sequence[AuditEvent]) -> None: ...

    @abstractmethod
    async def tail(self, limit: int) -> Sequence[AuditEvent]:
        """The newest events, newest first; ``details`` are empty where they were erased."""

    @abstractmethod
    async def about(self, resources: Collection[Resource], limit: int) -> Sequence[AuditEvent]:
        """The newest ``limit`` events about these, oldest first."""

    @abstractmethod
    async def forget(self, resources: Collection[Resource]) -> None:
        """Erase the details of all events about these; the events themselves stay as they were written."""
