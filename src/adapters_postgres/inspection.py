"""What a person who looks after an installation wants to know of its database; nothing is changed."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import LiteralString

import attrs
from psycopg.rows import TupleRow

from adapters_postgres.migrate import SQL as SCHEMA
from adapters_postgres.migrate import missing, packaged
from adapters_postgres.pool import Pool
from adapters_postgres.sql import load
from zero2prod_core.domain.instants import Instant

__all__ = ["KEY_HOLDERS", "Inspection", "Server"]

SQL = load("inspection")

KEY_HOLDERS: Mapping[str, LiteralString] = MappingProxyType(
    {
        "tokens": SQL["keys_of_tokens"],
        "subscribers": SQL["keys_of_subscribers"],
        "suppressions": SQL["keys_of_suppressions"],
        "accounts": SQL["keys_of_accounts"],
        "deliveries": SQL["keys_of_deliveries"],
        "bare recipients": SQL["keys_of_bare_recipients"],
    }
)
"""Whatever carries the id of a secret key, with the statement that counts by it; of tokens those that still work, of
deliveries those that are not over.
"""


@attrs.frozen
class Server:
    """``closed_tables`` are the program's, and the role may not read them; a superuser counts as the schema's owner."""

    major: int
    role: str
    owns_schema: bool
    closed_tables: tuple[str, ...]


class Inspection:
    """Looks through a pool. Every method raises StoreUnavailable, and SchemaRefused where something is lacking."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def server(self) -> Server:
        ((major, role, owns),) = await self._rows(SQL["server"])
        return Server(major, role, owns, tuple(name for (name,) in await self._rows(SQL["closed_tables"])))

    async def now(self) -> Instant:
        """The database's clock."""
        ((now,),) = await self._rows(SQL["now"])
        moment: Instant = now
        return moment

    async def pending(self) -> Sequence[str]:
        """The names of the migrations that are still to be applied."""
        ((exists,),) = await self._rows(SCHEMA["exists"])
        applied = await self._rows(SCHEMA["applied"]) if exists else []
        return [migration.name for migration in missing(packaged(), applied)]

    async def keys_of(self, holder: str) -> Mapping[str, int]:
        """Key id → how many rows carry it, of one of the ``KEY_HOLDERS``. Reads the whole table."""
        return dict(await self._rows(KEY_HOLDERS[holder]))

    async def _rows(self, statement: LiteralString) -> list[TupleRow]:
        async with self._pool.connection() as connection:
            return await (await connection.execute(statement)).fetchall()
