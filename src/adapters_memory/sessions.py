from uuid import UUID

import attrs

from adapters_memory.overlay import Overlay
from adapters_memory.tables import Tables
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.sessions import Session
from zero2prod_core.ports.sessions import SessionRepository

__all__ = ["InMemorySessionRepository"]


class InMemorySessionRepository(SessionRepository):
    def __init__(self, tables: Tables, overlay: Overlay) -> None:
        self._by_account = tables.sessions_by_account
        self._sessions = overlay.of(tables.sessions)

    async def add(self, session: Session) -> None:
        self._sessions.put(session.hash, session)

    async def get(self, hash: bytes) -> Session | None:
        return self._sessions.get(hash)

    async def touch(self, hash: bytes, at: Instant) -> None:
        session = self._sessions.get(hash)
        if session is not None and session.seen_at < at:
            self._sessions.put(hash, attrs.evolve(session, seen_at=at))

    async def end(self, hash: bytes) -> bool:
        return self._sessions.remove(hash)

    async def end_all(self, account: UUID, *, but: bytes | None = None) -> int:
        ended = [session for session in self._sessions.where(self._by_account, account) if session.hash != but]
        return sum(self._sessions.remove(session.hash) for session in ended)

    async def sweep(self, at: Instant, limit: int) -> int:
        return self._sessions.remove_where(lambda session: not session.alive(at), limit)
