from abc import abstractmethod
from typing import Protocol
from uuid import UUID

from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.sessions import Session


class SessionRepository(Protocol):
    """Sessions by the hash of their id."""

    @abstractmethod
    async def add(self, session: Session) -> None: ...

    @abstractmethod
    async def get(self, hash: bytes) -> Session | None: ...

    @abstractmethod
    async def touch(self, hash: bytes, at: Instant) -> None:
        """Note a use; never moves it back."""

    @abstractmethod
    async def end(self, hash: bytes) -> bool:
        """False where it had ended before."""

    @abstractmethod
    async def end_all(self, account: UUID, *, but: bytes | None = None) -> int:
        """End an account's sessions, except the one with this hash; returns how many."""

    @abstractmethod
    async def sweep(self, at: Instant, limit: int) -> int:
        """Remove at most ``limit`` sessions that are no longer alive; returns how many."""
