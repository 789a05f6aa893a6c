from collections.abc import Collection, Sequence
from uuid import UUID

import attrs

from adapters_memory.overlay import Overlay
from adapters_memory.tables import Tables
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.tokens import Purpose, Token
from zero2prod_core.ports.tokens import TokenRepository

__all__ = ["InMemoryTokenRepository"]


class InMemoryTokenRepository(TokenRepository):
    def __init__(self, tables: Tables, overlay: Overlay) -> None:
        self._by_subject = tables.tokens_by_subject
        self._tokens = overlay.of(tables.tokens)

    async def add_batch(self, tokens: Sequence[Token]) -> None:
        for token in tokens:
            self._tokens.put(token.id, token)

    async def get(self, id: UUID, purpose: Purpose, *, lock: bool = False) -> Token | None:
        token = self._tokens.get(id)
        return token if token is not None and token.purpose is purpose else None

    async def spend(self, id: UUID, at: Instant) -> None:
        token = self._tokens.get(id)
        if token is not None and token.spent_at is None:
            self._tokens.put(id, attrs.evolve(token, spent_at=at))

    async def revoke(self, subject: UUID, purpose: Purpose) -> int:
        revoked = self._tokens.where(self._by_subject, (subject, purpose))
        return sum(self._tokens.remove(token.id) for token in revoked)

    async def forget(self, subjects: Collection[UUID]) -> None:
        for subject in subjects:
            for purpose in Purpose:
                await self.revoke(subject, purpose)

    async def sweep(self, expired_before: Instant, limit: int) -> int:
        return self._tokens.remove_where(lambda token: token.expires_at < expired_before, limit)
