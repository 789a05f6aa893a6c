"""At most so many connections, made when they are needed, and a quick no while the server is away.

Why not psycopg_pool: decision record 0004.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeAlias

import psycopg

from adapters_postgres.connections import Connection, WatchedCursor
from adapters_postgres.conninfo import conninfo
from zero2prod_core.errors import Defect, StoreUnavailable
from zero2prod_core.ports.telemetry import Reading

RETRY_EVERY = 0.5
"""Seconds between attempts to reach a server that is away: we are back within a second of its return, and two attempts
a second cost nothing, however many requests are refused meanwhile."""

Limit: TypeAlias = Callable[[float], AbstractAsyncContextManager[object]]
"""Raises TimeoutError in a block that lasts longer than so many seconds."""

NO_ANSWER = (TimeoutError, psycopg.errors.ConnectionTimeout)
CONNECTING_FAILED = (TimeoutError, psycopg.Error)


class Pool:
    """Connections to one database, for one event loop at a time. Built closed; `open` touches no network.

    Args:
        url: what libpq takes: a URL, or ``key=value`` pairs.
        size: how many connections at most, `apart` not counted.
        patience: seconds after which a caller is told that the server is away: a third of it is silence, two thirds are
            for opening a connection. 1.5 keeps the promise of an answer within 2 s; a worker can wait longer.
        application: what the server's views call us.
        limit: how waiting for a connection, and opening one, is limited. A service gives one for which time does not
            count in which its own machine stood still.
    """

    def __init__(
        self,
        url: str,
        *,
        size: int = 10,
        patience: float = 1.5,
        application: str = "zero2prod",
        limit: Limit = asyncio.timeout,
    ) -> None:
        self._server = _Server(conninfo(url, application), patience, limit)
        self._size = size
        self._patience = patience
        self._limit = limit
        self._resting: list[Connection] = []
        self._slots: asyncio.Semaphore | None = None
        self._busy = self._waiting = 0

    async def open(self) -> None:
        self._slots = asyncio.Semaphore(self._size)

    async def close(self) -> None:
        """Close what rests; a connection still in use is closed when it comes back."""
        self._slots = None
        await self._server.forget()
        await self._close_resting()

    def readings(self) -> Iterable[Reading]:
        """How much of the pool is in use."""
        yield Reading("pool_size", self._size)
        yield Reading("pool_busy", self._busy)
        yield Reading("pool_waiting", self._waiting)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection of the pool, in autocommit and outside a transaction. Left inside one, it is closed.

        Raises:
            StoreUnavailable: all are busy for too long, or no new one can be opened.
        """
        slots = self._slots
        if slots is None:
            raise Defect("the connection pool is not open")
        await self._take(slots)
        self._busy += 1
        try:
            connection = await self._rested() or await self._connect()
            try:
                yield connection
            finally:
                await self._give_back(connection)
        finally:
            self._busy -= 1
            slots.release()

    @asynccontextmanager
    async def apart(self) -> AsyncIterator[Connection]:
        """A connection of one's own beside the pool's, for what lasts (session locks, LISTEN); closed at the end."""
        connection = await self._connect()
        try:
            yield connection
        finally:
            await connection.close()

    async def _connect(self) -> Connection:
        connection = await self._server.connect()
        connection.silence = self._patience / 3
        connection.server_answers = self._server_answers
        return connection

    async def _server_answers(self) -> bool:
        """Asked under a silent statement. After a no, what rests is closed too: each would cost its user a wait."""
        answers = await self._server.answers()
        if not answers:
            await self._close_resting()
        return answers

    async def _take(self, slots: asyncio.Semaphore) -> None:
        if not slots.locked():  # nobody waits, and no timer is needed
            await slots.acquire()
            return
        self._waiting += 1
        try:
            async with self._limit(self._patience):
                await slots.acquire()
        except TimeoutError as error:
            raise StoreUnavailable from error
        finally:
            self._waiting -= 1

    async def _rested(self) -> Connection | None:
        """The connection used last that the server has not closed since."""
        while self._resting:
            connection = self._resting.pop()
            if not connection.pending_input:
                return connection
            await connection.close()
        return None

    async def _give_back(self, connection: Connection) -> None:
        if self._slots is not None and connection.reusable:
            self._resting.append(connection)
        else:
            await connection.close()

    async def _close_resting(self) -> None:
        while self._resting:
            await self._resting.pop().close()


class _Server:
    """Opens connections, and knows whether that works at present.

    After a failure one task tries again until it succeeds; everyone else is refused at once, which costs nothing and
    leaves a server that is coming back in peace.
    """

    def __init__(self, conninfo: str, patience: float, limit: Limit) -> None:
        self._conninfo = conninfo
        self._patience = patience
        self._limit = limit
        self._trouble: Exception | None = None
        self._retrying: asyncio.Task[None] | None = None
        self._asking: asyncio.Task[None] | None = None
        # Whether an attempt got no answer at all, as opposed to a refusal, and none has succeeded since.
        self._silent = False

    async def connect(self) -> Connection:
        """Raises StoreUnavailable, caused by what the driver said."""
        if self._trouble is None:
            try:
                return await self._open()
            except CONNECTING_FAILED as error:
                self._note(error)
        raise StoreUnavailable from self._trouble

    async def answers(self) -> bool:
        """Whether somebody is there: a refused connection is an answer. All who ask at one time share one attempt."""
        if self._trouble is None:
            if self._asking is None or self._asking.done():
                self._asking = asyncio.get_running_loop().create_task(self._ask())
            await asyncio.shield(self._asking)
        return not self._silent

    async def forget(self) -> None:
        """Stop all attempts, and begin anew."""
        tasks = [task for task in (self._retrying, self._asking) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._retrying = self._asking = None
        self._all_is_well()

    async def _open(self) -> Connection:
        async with self._limit(self._patience * 2 / 3):
            # The limit is ours alone: the driver would count time in which the machine stood still.
            return await Connection.connect(
                self._conninfo, autocommit=True, cursor_factory=WatchedCursor, connect_timeout=0
            )

    async def _ask(self) -> None:
        try:
            await (await self._open()).close()
        except CONNECTING_FAILED as error:
            self._note(error)

    def _note(self, trouble: Exception) -> None:
        self._trouble = trouble
        self._silent = self._silent or isinstance(trouble, NO_ANSWER)
        if self._retrying is None or self._retrying.done():
            self._retrying = asyncio.get_running_loop().create_task(self._retry())

    def _all_is_well(self) -> None:
        self._trouble = None
        self._silent = False

    async def _retry(self) -> None:
        while self._trouble is not None:
            await asyncio.sleep(RETRY_EVERY)
            try:
                connection = await self._open()
            except CONNECTING_FAILED as error:
                self._note(error)
            else:
                self._all_is_well()
                await connection.close()
