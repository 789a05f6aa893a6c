"""Locks between processes: session advisory locks, which end with their connection, however that ends."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adapters_postgres.pool import Pool
from zero2prod_core.ports.store import Locks


class PostgresLocks(Locks):
    """Each lock has a connection of its own for as long as it is tried and held.

    A holder whose connection is lost (the server was restarted) is not told, and another may then hold the lock beside
    it: what must not happen twice needs a constraint as well.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def try_hold(self, name: str) -> AsyncIterator[bool]:
        async with self._pool.apart() as connection:
            cursor = await connection.execute("SELECT pg_try_advisory_lock(%s)", [lock_number(name)])
            yield (await cursor.fetchall())[0][0]


def lock_number(name: str) -> int:
    """64 bits of the name's hash: advisory locks are numbers, shared by all programs that use the database."""
    return int.from_bytes(hashlib.sha256(f"zero2prod lock {name}".encode()).digest()[:8], "big", signed=True)
