from collections.abc import Collection, Sequence
from uuid import UUID

from adapters_postgres.repositories import Repository
from adapters_postgres.sql import load
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.tokens import Purpose, Token
from zero2prod_core.ports.tokens import TokenRepository

SQL = load("tokens")


class PostgresTokenRepository(Repository, TokenRepository):
    async def add_batch(self, tokens: Sequence[Token]) -> None:
        await self._count(
            SQL["add"],
            ids=[token.id for token in tokens],
            purposes=[token.purpose.value for token in tokens],
            subjects=[token.subject for token in tokens],
            key_ids=[token.key_id for token in tokens],
            issued_ats=[token.issued_at for token in tokens],
            expires_ats=[token.expires_at for token in tokens],
            spent_ats=[token.spent_at for token in tokens],
        )

    async def get(self, id: UUID, purpose: Purpose, *, lock: bool = False) -> Token | None:
        rows = await self._rows(SQL["lock" if lock else "get"], id=id, purpose=purpose.value)
        return _token(*rows[0]) if rows else None

    async def spend(self, id: UUID, at: Instant) -> None:
        await self._count(SQL["spend"], id=id, at=at)

    async def revoke(self, subject: UUID, purpose: Purpose) -> int:
        return await self._count(SQL["revoke"], subject=subject, purpose=purpose.value)

    async def forget(self, subjects: Collection[UUID]) -> None:
        await self._count(SQL["forget"], subjects=list(subjects))

    async def sweep(self, expired_before: Instant, limit: int) -> int:
        return await self._count(SQL["sweep"], expired_before=expired_before, limit=limit)


def _token(
    id_: UUID,
    purpose: str,
    subject: UUID,
    key_id: str,
    issued_at: Instant,
    expires_at: Instant,
    spent_at: Instant | None,
) -> Token:
    return Token(id_, Purpose(purpose), subject, key_id, issued_at, expires_at, spent_at)
