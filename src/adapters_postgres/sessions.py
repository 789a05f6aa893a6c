from uuid import UUID

from adapters_postgres.repositories import Repository
from adapters_postgres.sql import load
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.sessions import IDLE, Session
from zero2prod_core.ports.sessions import SessionRepository

SQL = load("sessions")


class PostgresSessionRepository(Repository, SessionRepository):
    async def add(self, session: Session) -> None:
        await self._count(
            SQL["add"],
            hash=session.hash,
            account=session.account,
            created_at=session.created_at,
            seen_at=session.seen_at,
            expires_at=session.expires_at,
        )

    async def get(self, hash: bytes) -> Session | None:
        rows = await self._rows(SQL["get"], hash=hash)
        return Session(*rows[0]) if rows else None

    async def touch(self, hash: bytes, at: Instant) -> None:
        await self._count(SQL["touch"], hash=hash, at=at)

    async def end(self, hash: bytes) -> bool:
        return bool(await self._count(SQL["end"], hash=hash))

    async def end_all(self, account: UUID, *, but: bytes | None = None) -> int:
        return await self._count(SQL["end_all"], account=account, but=but)

    async def sweep(self, at: Instant, limit: int) -> int:
        return await self._count(SQL["sweep"], at=at, idle_since=at - IDLE, limit=limit)
