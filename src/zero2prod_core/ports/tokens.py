from abc import abstractmethod
from collections.abc import Collection, Sequence
from typing import Protocol
from uuid import UUID

from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.tokens import Purpose, Token


class TokenRepository(Protocol):
    """The stored halves of tokens, by id."""

    @abstractmethod
    async def add_batch(self, tokens: Sequence[Token]) -> None: ...

    @abstractmethod
    async def get(self, id: UUID, purpose: Purpose, *, lock: bool = False) -> Token | None: ...

    @abstractmethod
    async def spend(self, id: UUID, at: Instant) -> None:
        """Note the first use; a later call changes nothing."""

    @abstractmethod
    async def revoke(self, subject: UUID, purpose: Purpose) -> int:
        """Remove a subject's tokens of one purpose; returns how many."""

    @abstractmethod
    async def forget(self, subjects: Collection[UUID]) -> None:
        """Remove every token of these subjects, passing over those that others hold: they end with their subject."""

    @abstractmethod
    async def sweep(self, expired_before: Instant, limit: int) -> int:
        """Remove at most ``limit`` tokens that expired before; returns how many."""
