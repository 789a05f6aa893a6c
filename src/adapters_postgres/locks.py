"""Locks between processes: session advisory locks, which end with their connection, however that ends."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from adapters_postgres.connections import Connection
from adapters_postgres.pool import Pool
from zero2prod_core.errors import StoreUnavailable
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
            ((mine,),) = await cursor.fetchall()
            try:
                yield mine
            finally:
                if mine:
                    await _unlock(connection, name)


async def _unlock(connection: Connection, name: str) -> None:
    """So that the next one need not wait until the server notices that the connection was closed."""
    if not connection.closed:
        with suppress(StoreUnavailable):
            await connection.execute("SELECT pg_advisory_unlock(%s)", [lock_number(name)])


def lock_number(name: str) -> int:
    """64 bits of the name's hash: advisory locks are numbers, shared by all programs that use the database."""
    return int.from_bytes(hashlib.sha256(f"zero2prod lock {name}".encode()).digest()[:8], "big", signed=True)
