"""A connection to the server that never leaves its user waiting on a server that is gone.

A statement may rightly take minutes (an issue for a million subscribers) or wait for a lock, so its duration says
nothing. What counts is whether the server still answers anybody. So a connection that has been silent for a while asks
for another one to be opened; only where that gets no answer either does it hang up. See decision record 0004.
"""

import asyncio
import select
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from types import TracebackType
from typing import Self, cast

from psycopg import AsyncConnection, AsyncCursor
from psycopg.abc import Params, Query, QueryNoTemplate
from psycopg.pq import PipelineStatus, TransactionStatus
from psycopg.rows import TupleRow

from adapters_postgres.errors import translated
from adapters_postgres.slowness import note

CANCELLING_LASTS = 0.5
"""Seconds for asking the server to stop a statement: whoever cancels is in a hurry, and a hung server is deaf."""


class Connection(AsyncConnection[TupleRow]):
    """A psycopg connection in autocommit whose statements raise the house's errors."""

    silence: float
    """Seconds without an answer after which ``server_answers`` is asked, again and again."""

    server_answers: Callable[[], Awaitable[bool]]

    begins: bool = False
    """Whether a BEGIN goes out before the next statement, together with it where that is pipelined."""

    sent: list[Query]
    """The statements of the pipeline that is open."""

    @asynccontextmanager
    async def pipelined(self) -> AsyncIterator[None]:
        """Statements in the block are sent one after the other, none waiting for the one before; fetch their rows there
        too.
        """
        self.sent = []
        with translated(), _Watch(self, self.sent):
            async with self.pipeline():
                yield

    @property
    def pending_input(self) -> bool:
        """Whether bytes or the end of the stream wait to be read: a resting connection is then of no more use."""
        poll = select.poll()
        poll.register(self.fileno(), select.POLLIN)
        return bool(poll.poll(0))

    @property
    def reusable(self) -> bool:
        """Whether the connection is alive and between transactions."""
        return not self.closed and self.info.transaction_status is TransactionStatus.IDLE

    def hang_up(self) -> None:
        """End the connection under a statement that waits on it: the driver then finds it lost, as if by the network.

        Cancelling the statement instead would wait for the very server that does not answer.
        """
        # It may have ended by itself at this very moment.
        with suppress(OSError), socket.socket(fileno=socket.dup(self.fileno())) as line:
            line.shutdown(socket.SHUT_RDWR)

    async def cancel_safe(self, *, timeout: float = CANCELLING_LASTS) -> None:
        """The driver's own, which it calls when a task is cancelled under a statement, with less patience."""
        await super().cancel_safe(timeout=min(timeout, CANCELLING_LASTS))


class WatchedCursor(AsyncCursor[TupleRow]):
    """Executes under a watch and translates errors; ``Connection.execute`` makes one for each statement."""

    async def execute(
        self, query: Query, params: Params | None = None, *, prepare: bool | None = None, binary: bool | None = None
    ) -> Self:
        connection = cast(Connection, self.connection)
        if connection.pgconn.pipeline_status == PipelineStatus.ON:
            connection.sent.append(query)
        with translated(), _Watch(connection, [query]):
            if connection.begins:
                connection.begins = False
                await super().execute("BEGIN", prepare=False)
            # The driver takes templates as well, but its types offer no union with them.
            return await super().execute(cast(QueryNoTemplate, query), params, prepare=prepare, binary=binary)


class _Watch:
    """While it lasts, a silent connection is hung up once the server answers nobody; how long it lasted is noted."""

    def __init__(self, connection: Connection, statements: Sequence[Query]) -> None:
        self._connection = connection
        self._statements = statements
        self._began = asyncio.get_running_loop().time()
        self._doubt: asyncio.Task[None] | None = None

    def __enter__(self) -> None:
        self._timer = self._watch()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._timer.cancel()
        if self._doubt is not None:
            self._doubt.cancel()
        note(self._statements, asyncio.get_running_loop().time() - self._began)

    def _watch(self) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(self._connection.silence, self._begin_to_doubt)

    def _begin_to_doubt(self) -> None:
        self._doubt = asyncio.get_running_loop().create_task(self._ask())

    async def _ask(self) -> None:
        # Input that waits means that this process was too busy to read it: no reason to doubt the server.
        if self._connection.pending_input or await self._connection.server_answers():
            self._timer = self._watch()
        else:
            self._connection.hang_up()
