"""Whether the store is fit for use, and whether workers live."""

from datetime import timedelta

from adapters_postgres.connections import Connection
from adapters_postgres.migrate import SQL as SCHEMA
from adapters_postgres.migrate import missing, packaged
from adapters_postgres.pool import Pool
from adapters_postgres.sql import load
from zero2prod_core.errors import SchemaRefused, Zero2ProdError
from zero2prod_core.ports.store import Health, Heartbeats

SQL = load("health")


class PostgresHealth(Health):
    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._known = packaged()

    async def check(self) -> dict[str, str]:
        try:
            async with self._pool.connection() as connection:
                return {"database": "ok", "schema": await self._schema(connection)}
        except Zero2ProdError as error:
            return {"database": str(error), "schema": "unknown"}

    async def _schema(self, connection: Connection) -> str:
        """Looked up each time: it may be migrated under a running process."""
        exists = await connection.execute(SCHEMA["exists"])
        if not (await exists.fetchall())[0][0]:
            return "there is none: run zero2prod migrate"
        applied = await (await connection.execute(SCHEMA["applied"])).fetchall()
        try:
            lacking = missing(self._known, applied)
        except SchemaRefused as refusal:
            return str(refusal)
        return f"lacks {lacking[0].name}: run zero2prod migrate" if lacking else "ok"


class PostgresHeartbeats(Heartbeats):
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def beat(self, worker: str) -> None:
        async with self._pool.connection() as connection:
            await connection.execute(SQL["beat"], {"worker": worker})

    async def last(self) -> timedelta | None:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(SQL["last"])
            ago: timedelta | None = (await cursor.fetchall())[0][0]
            return ago
