"""Between a process and PostgreSQL: passes the wire protocol on, and stops or cuts it where a test says.

It reads what the driver sends just well enough to know each statement by the comment that it begins with
(``/* deliveries.mark */``), and to know the COMMIT of the transaction that a statement was in. It runs in a thread of
its own, so that tests may block. See "Message Formats" in PostgreSQL's manual.
"""

import asyncio
import re
import struct
import tempfile
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from enum import Enum
from pathlib import Path

import attrs
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.support.waiting import PATIENCE

NAMED = re.compile(rb"/\* ([a-z_]+\.[a-z_]+) \*/")

# Codes that stand where a start-up packet has the protocol's version.
CANCEL, SSL, GSS = 80877102, 80877103, 80877104

IDLE = b"I"

COMMIT = "COMMIT"
BEGIN = "BEGIN"


class Moment(Enum):
    """``BEFORE``: the server has not heard of it. ``AFTER``: it is done, and the process has not heard of that."""

    BEFORE = "before"
    AFTER = "after"


@attrs.define(eq=False)
class Trap:
    """Catches one connection, once.

    ``commit`` catches the COMMIT of the transaction that has the statement in it; of a statement outside a transaction,
    which commits itself, the statement. ``full`` catches that only if the statement has returned a row.
    """

    statement: str
    moment: Moment
    commit: bool
    full: bool
    _passes: int
    _caught: bool = False
    _reached: threading.Event = attrs.field(factory=threading.Event, repr=False)
    _cuts: "Future[bool]" = attrs.field(factory=Future, repr=False)

    def reached(self) -> None:
        """Wait until a connection is caught."""
        assert self._reached.wait(PATIENCE), f"nothing came to {self}"

    @property
    def is_reached(self) -> bool:
        return self._reached.is_set()

    def go_on(self) -> None:
        self._cuts.set_result(False)

    def cut(self) -> None:
        """End the connection on both its sides."""
        self._cuts.set_result(True)

    def catches(self) -> bool:
        """Whether this time is the one."""
        self._passes -= 1
        if self._caught or self._passes >= 0:
            return False
        self._caught = True
        return True

    async def hold(self) -> None:
        """Raises ConnectionAbortedError where the test cuts the connection."""
        self._reached.set()
        # Shielded: where the process dies meanwhile, the test may still say its word.
        if await asyncio.shield(asyncio.wrap_future(self._cuts)):
            raise ConnectionAbortedError


class PostgresProxy:
    """Listens beside a server while it is entered; `url` is what to give to a process."""

    def __init__(self, url: str, directory: Path) -> None:
        self._url = url
        self._directory = directory
        self._traps: tuple[Trap, ...] = ()

    @property
    def url(self) -> str:
        return make_conninfo(self._url, host=str(self._directory))

    def trap(self, statement: str, moment: Moment, *, commit: bool = False, full: bool = False, after: int = 0) -> Trap:
        """Set one; it lets the first ``after`` times go by."""
        made = Trap(statement, moment, commit, full, after)
        self._traps = (*self._traps, made)
        return made

    def found(self, names: set[str], full: set[str], *, commit: bool) -> Trap | None:
        """The trap that what is happening falls into; ``full`` are those statements that returned rows."""
        fitting = (
            trap for trap in self._traps if trap.commit == commit and trap.statement in (full if trap.full else names)
        )
        return next((trap for trap in fitting if trap.catches()), None)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side or the test ends it."""
        parts = conninfo_to_dict(self._url)
        socket = f"{parts['host']}/.s.PGSQL.{parts['port']}"
        to_server: asyncio.StreamWriter | None = None
        try:
            start = await _start_up(reader, writer)
            from_server, to_server = await asyncio.open_unix_connection(socket)
            to_server.write(start)
            call = _Call(self, reader, writer, from_server, to_server)
            ways = [asyncio.create_task(way) for way in (call.ask(), call.answer())]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        except (OSError, EOFError):
            pass  # either side may end a connection at any time
        finally:
            for end in (writer, to_server):
                if end is not None:
                    end.transport.abort()


async def _start_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """The packet that opens a session, or asks to cancel another's statement; encryption is declined."""
    while True:
        head = await reader.readexactly(8)
        size, code = struct.unpack("!ii", head)
        if code not in {SSL, GSS}:
            return head + await reader.readexactly(size - 8)
        writer.write(b"N")


class _Call:
    """One connection's conversation."""

    def __init__(
        self,
        proxy: PostgresProxy,
        from_client: asyncio.StreamReader,
        to_client: asyncio.StreamWriter,
        from_server: asyncio.StreamReader,
        to_server: asyncio.StreamWriter,
    ) -> None:
        self._proxy = proxy
        self._from_client, self._to_client = from_client, to_client
        self._from_server, self._to_server = from_server, to_server
        self._prepared: dict[bytes, str] = {}
        self._executing: deque[tuple[int, str]] = deque()
        self._inside: set[str] = set()
        self._full: set[str] = set()
        self._in_transaction = False
        self._asked = 0
        self._answered = -1  # the first answer is to the start-up packet
        self._traps: dict[int, Trap] = {}

    async def ask(self) -> None:
        """From the process to the server."""
        while True:
            kind, message = await _message(self._from_client)
            name = self._statement(kind, message[5:])
            if name:
                await self._consider(name)
            self._to_server.write(message)
            if kind in b"QS":
                self._asked += 1
            await self._to_server.drain()

    async def answer(self) -> None:
        """From the server to the process; an answer that is to be held is held whole."""
        while True:
            kind, message = await _message(self._from_server)
            kept = [message]
            while kind != b"Z" and self._answered in self._traps:
                self._note(kind)
                kind, message = await _message(self._from_server)
                kept.append(message)
            self._note(kind)
            if kind == b"Z":
                await self._answer_ends(message[5:])
            self._to_client.write(b"".join(kept))
            await self._to_client.drain()

    def _statement(self, kind: bytes, content: bytes) -> str:
        """What is about to be executed; an empty string where nothing is."""
        if kind == b"Q":
            return _name(content)
        if kind == b"P":
            name, _, text = content.partition(b"\0")
            self._prepared[name] = _name(text)
        if kind == b"B":
            return self._prepared.get(content.split(b"\0", 2)[1], "")
        return ""

    async def _consider(self, name: str) -> None:
        commits = name == COMMIT or not self._in_transaction
        self._inside.add(name)
        self._executing.append((self._asked, name))
        self._in_transaction = self._in_transaction or name == BEGIN
        trap = self._proxy.found({name}, self._full, commit=False)
        if trap is None and commits:
            trap = self._proxy.found(self._inside, self._full, commit=True)
        if trap is None:
            return
        if trap.moment is Moment.BEFORE:
            await trap.hold()
        else:
            self._traps[self._asked] = trap

    def _note(self, kind: bytes) -> None:
        """A row, or the end, of the statement that is being executed; those behind an error are not."""
        if self._executing and kind == b"D":
            self._full.add(self._executing[0][1])
        if self._executing and kind == b"C":
            self._executing.popleft()
        while kind == b"Z" and self._executing and self._executing[0][0] <= self._answered:
            self._executing.popleft()

    async def _answer_ends(self, status: bytes) -> None:
        trap = self._traps.get(self._answered)
        if trap is not None:
            await trap.hold()
            del self._traps[self._answered]
        if status == IDLE:
            self._in_transaction = False
            self._inside.clear()
            self._full.clear()
        self._answered += 1


def _name(text: bytes) -> str:
    """By its comment; BEGIN and COMMIT by themselves."""
    match = NAMED.match(text)
    return match[1].decode() if match else text.partition(b"\0")[0].decode().strip().upper()


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readexactly(5)
    (size,) = struct.unpack("!i", head[1:])
    return head[:1], head + await reader.readexactly(size - 4)


@contextmanager
def proxied(url: str) -> Iterator[PostgresProxy]:
    """A proxy for the server at a socket's URL; at the end its connections are cut."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="postgres-proxy")
    thread.start()
    with tempfile.TemporaryDirectory(prefix="zero2prod-proxy-", dir="/tmp") as directory:
        proxy = PostgresProxy(url, Path(directory))
        path = Path(directory, f".s.PGSQL.{conninfo_to_dict(url)['port']}")
        server = asyncio.run_coroutine_threadsafe(asyncio.start_unix_server(proxy.serve, path), loop).result()
        try:
            yield proxy
        finally:
            asyncio.run_coroutine_threadsafe(_end(server), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()


async def _end(server: asyncio.Server) -> None:
    server.close()
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.gather(*rest, return_exceptions=True)
