from uuid import UUID

from psycopg.errors import LockNotAvailable

from adapters_postgres.repositories import Repository
from adapters_postgres.sql import load
from zero2prod_core.domain.idempotency import IdempotencyKey, IdempotencyRecord
from zero2prod_core.domain.instants import Instant
from zero2prod_core.errors import IdempotencyKeyInUse, StoreUnavailable
from zero2prod_core.ports.idempotency import IdempotencyRepository

SQL = load("idempotency")


class PostgresIdempotencyRepository(Repository, IdempotencyRepository):
    async def claim(self, record: IdempotencyRecord) -> IdempotencyRecord:
        # Once, or again where the record that was in the way has been swept before it could be read.
        while True:
            if await self._add(record):
                return record
            rows = await self._rows(SQL["get"], newsletter=record.newsletter, key=record.key.text)
            if rows:
                return _record(*rows[0])

    async def sweep(self, created_before: Instant, limit: int) -> int:
        return await self._count(SQL["sweep"], created_before=created_before, limit=limit)

    async def _add(self, record: IdempotencyRecord) -> bool:
        """Insert it unless there is one; waits for another transaction that is inserting it, up to lock_timeout."""
        try:
            added = await self._count(
                SQL["add"],
                newsletter=record.newsletter,
                key=record.key.text,
                fingerprint=record.fingerprint,
                actor=record.actor,
                issue=record.issue,
                created_at=record.created_at,
            )
        except StoreUnavailable as error:
            if isinstance(error.__cause__, LockNotAvailable):
                raise IdempotencyKeyInUse from error
            raise
        return bool(added)


def _record(
    newsletter: UUID, key: str, fingerprint: bytes, actor: str, issue: UUID, created_at: Instant
) -> IdempotencyRecord:
    return IdempotencyRecord(newsletter, IdempotencyKey(key), fingerprint, actor, issue, created_at)
