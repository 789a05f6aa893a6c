"""A guarded site on loopback, clients that send bytes as they please, and a transport that a test moves by hand."""

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import attrs
from aiohttp import web

from adapters_http.connections import GuardLimits, attended
from adapters_http.forms import read_body
from adapters_http.guard import Guard
from adapters_http.middleware.network_addresses import Network
from zero2prod_core.ports.telemetry import Telemetry

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"

MUCH = 32 * 1024 * 1024
"""Bytes of an answer: several times what the system keeps for a connection."""

# The least that Linux gives, so that the other end notices soon that nobody reads.
LITTLE = 2048

USUAL = GuardLimits()

HERE = ("127.0.0.1", 4711)
"""A network address and a port."""


class Counts(Telemetry):
    """Events by name and reason."""

    def __init__(self) -> None:
        self.events: Counter[str] = Counter()

    def count(self, event: str, number: int = 1, **labels: str) -> None:
        self.events[" ".join([event, *labels.values()])] += number

    def observe(self, event: str, seconds: float, **labels: str) -> None:
        raise AssertionError(f"nobody observes {event}")


class Wire(asyncio.Transport):
    """Of which ``unread`` bytes are still to be taken by the other end."""

    def __init__(self, peer: object = HERE) -> None:
        super().__init__({"peername": peer})
        self.unread = 0
        self.written = b""
        self.ends: list[str] = []

    def get_write_buffer_size(self) -> int:
        return self.unread

    def write(self, data: "bytes | bytearray | memoryview[int]") -> None:
        self.written += bytes(data)

    def close(self) -> None:
        self.ends.append("closed")

    def abort(self) -> None:
        self.ends.append("aborted")


@attrs.define
class Visitor:
    """One connection, from the client's side."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def answer(self) -> bytes:
        """One answer with its body, whose length must be given."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        (length,) = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        return head + await self.reader.readexactly(int(length.partition(b":")[2]))

    async def rest(self) -> bytes:
        """All that still comes until the other end closes."""
        received = bytearray()
        with suppress(ConnectionError):
            while data := await self.reader.read(64 * 1024):
                received += data
        return bytes(received)


@attrs.frozen
class GuardedSite:
    """Routes that read or do not read, that answer much, and that wait for ``go_on``."""

    port: int
    guard: Guard
    counts: Counts
    go_on: asyncio.Event

    @property
    def events(self) -> Counter[str]:
        return self.counts.events

    @asynccontextmanager
    async def visit(self, source: str = "127.0.0.1", *, unread: bool = False) -> AsyncIterator[Visitor]:
        """A client at this network address of loopback; one that will leave its answer unread takes little of it."""
        client = socket.socket()
        if unread:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, LITTLE)
        client.setblocking(False)
        client.bind((source, 0))
        await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", self.port))
        reader, writer = await asyncio.open_connection(sock=client, limit=LITTLE if unread else 64 * 1024)
        try:
            yield Visitor(reader, writer)
        finally:
            writer.transport.abort()
            with suppress(ConnectionError):
                await writer.wait_closed()


class Routes:
    def __init__(self, go_on: asyncio.Event) -> None:
        self._go_on = go_on

    def all(self) -> Sequence[web.RouteDef]:
        return [
            web.get("/", self.plain),
            web.get("/much", self.much),
            web.get("/waiting", self.waiting),
            web.get("/events", self.events),
            web.post("/read", self.read),
            web.post("/unread", self.plain),
        ]

    async def plain(self, _: web.Request) -> web.Response:
        return web.Response(text="plain")

    async def much(self, _: web.Request) -> web.Response:
        return web.Response(body=b"x" * MUCH)

    async def waiting(self, _: web.Request) -> web.Response:
        await self._go_on.wait()
        return web.Response(text="waited")

    async def events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"first\n")
        await self._go_on.wait()
        await response.write(b"last\n")
        return response

    async def read(self, request: web.Request) -> web.Response:
        body = await read_body(request, MUCH, 60)
        return web.Response(text=f"{len(body)} bytes")


@asynccontextmanager
async def guarded_site(limits: GuardLimits = USUAL, trusted: Sequence[Network] = ()) -> AsyncIterator[GuardedSite]:
    go_on, counts = asyncio.Event(), Counts()
    app = web.Application(middlewares=[attended()], handler_args={"access_log": None, "lingering_time": 60})
    app.add_routes(Routes(go_on).all())
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    assert runner.server
    guard = Guard(runner.server, limits, trusted, counts)
    server = await asyncio.get_running_loop().create_server(guard, "127.0.0.1", 0)
    try:
        yield GuardedSite(server.sockets[0].getsockname()[1], guard, counts, go_on)
    finally:
        go_on.set()
        server.close()
        await runner.cleanup()
