from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from zero2prod_core.domain.issues import Issue, IssueState


class IssueRepository(Protocol):
    @abstractmethod
    async def add(self, issue: Issue) -> None: ...

    @abstractmethod
    async def get(self, id: UUID, *, lock: bool = False) -> Issue | None: ...

    @abstractmethod
    async def save(self, issue: Issue) -> None:
        """Write state, audience, times, and reason and cause of a pause, of an existing issue."""

    @abstractmethod
    async def list(self, limit: int, before: UUID | None = None) -> Sequence[Issue]:
        """Newest first, at most ``limit``, older than the issue ``before`` where it is given (ids sort by age)."""

    @abstractmethod
    async def done(self, states: Sequence[IssueState], limit: int) -> Sequence[Issue]:
        """Lock and return issues in one of ``states`` that have nothing more to do, skipping those locked by others.

        They have no unfinished delivery, and no uncertain one that will be resent by itself.
        """
