from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

from zero2prod_core.domain.audit import AuditEvent


class AuditLog(Protocol):
    """Append-only. Events written in a transaction stand or fall with it."""

    @abstractmethod
    async def append_batch(self, events: Sequence[AuditEvent]) -> None: ...

    @abstractmethod
    async def tail(self, limit: int) -> Sequence[AuditEvent]:
        """The newest events, newest first; ``details`` are empty where they were erased."""
