"""Waking workers: enqueuing notifies, and each worker's signal listens on a connection of its own."""

import asyncio
from contextlib import AsyncExitStack

from adapters_postgres.connections import Connection
from adapters_postgres.errors import translated
from adapters_postgres.pool import RETRY_EVERY, Pool
from zero2prod_core.errors import Unavailable
from zero2prod_core.ports.deliveries import DeliverySignal


class PostgresDeliverySignal(DeliverySignal):
    """Hears `deliveries` notified in sql/deliveries.sql. For one waiting task at a time; `close` when it is done.

    The first call connects. A lost connection is replaced while waiting, and then ends the wait as if deliveries had
    been enqueued: nobody knows what was missed.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._held = AsyncExitStack()
        self._connection: Connection | None = None
        self._missed = False

    async def wait(self, seconds: float) -> None:
        clock = asyncio.get_running_loop().time
        deadline = clock() + seconds
        while not await self._heard(max(0.0, deadline - clock())):
            if clock() >= deadline:
                return

    async def close(self) -> None:
        self._connection = None
        await self._held.aclose()

    async def _heard(self, seconds: float) -> bool:
        """Whether something was enqueued; False after ``seconds``, or after a pause where the store is away."""
        try:
            connection = self._connection or await self._listen()
            if self._missed:
                self._missed = False
                return True
            with translated():
                return bool([notice async for notice in connection.notifies(timeout=seconds, stop_after=1)])
        except Unavailable:
            self._missed = self._missed or self._connection is not None
            await self.close()
            await asyncio.sleep(min(seconds, RETRY_EVERY))
            return False

    async def _listen(self) -> Connection:
        connection = await self._held.enter_async_context(self._pool.apart())
        await connection.execute("LISTEN deliveries")
        self._connection = connection
        return connection
