"""One client's connection: whether it waits for us or keeps us waiting, and since when.

aiohttp reads and answers as ever. Its protocol stands behind this one, which sees the bytes first, and is told by a
middleware when a request begins and ends: so a request has begun when aiohttp says so, and not by a second parser.
"""

import asyncio
from collections.abc import Callable
from enum import StrEnum
from typing import Final, Protocol, cast

import attrs
from aiohttp import StreamReader, web
from aiohttp.typedefs import Handler, Middleware

from zero2prod_core.domain.networks import network_of, site_of

__all__ = ["Connection", "Doorkeeper", "GuardLimits", "Reason", "Stage", "attended"]

END_OF_HEAD: Final = b"\r\n\r\n"

# Times the body deadline until the connection is cut: the handler has by then said so politely, or never read it.
BODY_MARGIN: Final = 2

# Bytes that must have been read meanwhile for a reading deadline to begin anew: half a kilobyte a second, which every
# line has, is enough to stay.
READ_MEANWHILE: Final = 16 * 1024

PLAIN: Final = (
    "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\n"
    "Content-Length: {length}\r\n{headers}\r\n{text}"
)


def _answer(status: str, text: str, headers: str = "") -> bytes:
    return PLAIN.format(status=status, length=len(text), headers=headers, text=text).encode()


# RFC 9110, section 15.5.9; RFC 6585, section 5; RFC 9110, section 15.6.4.
TOO_SLOW: Final = _answer("408 Request Timeout", "The request did not arrive in time. Send it again.\n")
TOO_LARGE: Final = _answer(
    "431 Request Header Fields Too Large", "The head of the request is too large. Delete this site's cookies.\n"
)
FULL: Final = _answer(
    "503 Service Unavailable", "There are too many connections. Try again in a few seconds.\n", "Retry-After: 10\r\n"
)


@attrs.frozen
class GuardLimits:
    """What clients may take up: numbers of connections, seconds, and bytes.

    Args:
        head: until a request's head is complete, from the connection or from the head's first byte.
        body: for a request's body; whoever reads it refuses by the same limit, and is given time to say so.
        reading: that an answer may wait without being read.
        idle: between two requests.
        largest_head: bytes. aiohttp limits each field and their number, which together is a megabyte.
    """

    connections: int = 2000
    connections_per_network: int = 128
    connections_per_site: int = 512
    head: float = 10.0
    body: float = 10.0
    reading: float = 30.0
    idle: float = 75.0
    largest_head: int = 32 * 1024


class Stage(StrEnum):
    """Where a connection stands with its requests."""

    HEAD = "head"
    REQUEST = "request"
    IDLE = "idle"


class Reason(StrEnum):
    """Why a connection is closed. The last three are of those who gave way to a newcomer."""

    HEAD = "head"
    HEAD_SIZE = "head_size"
    BODY = "body"
    READING = "reading"
    IDLE = "idle"
    NETWORK = "network"
    SITE = "site"
    TOTAL = "total"


class Doorkeeper(Protocol):
    """Who is let in, and told of who leaves."""

    limits: GuardLimits

    def now(self) -> float:
        """Seconds that count against whoever keeps us waiting."""

    def let_in(self, connection: "Connection") -> bool:
        """Whether there is room for it."""

    def close(self, connection: "Connection", reason: Reason, last_words: bytes = b"") -> None:
        """Show it out."""

    def gone(self, connection: "Connection") -> None:
        """It has left."""


class Connection(asyncio.Protocol):
    """Stands between a transport and aiohttp's protocol, and passes on all that both say.

    Args:
        behind: makes aiohttp's protocol; asked only for those that are let in.

    ``peer`` is the other end's network address, and ``network`` what counts as one visitor; None over a unix socket.
    ``site`` is the IPv6 /48 around it.
    """

    __slots__ = (
        "_behind", "_body", "_doorkeeper", "_head_ended", "_head_size", "_inner", "_now", "_tail", "_unread",
        "_unread_since", "leaving", "network", "peer", "since", "site", "stage", "transport",
    )  # fmt: skip

    transport: asyncio.Transport

    def __init__(self, doorkeeper: Doorkeeper, behind: Callable[[], asyncio.Protocol]) -> None:
        self._doorkeeper = doorkeeper
        self._behind = behind
        self._now = doorkeeper.now
        self._inner: asyncio.Protocol | None = None
        self._body: StreamReader | None = None
        self._unread = 0
        self._unread_since = 0.0
        self.peer: str | None = None
        self.network: str | None = None
        self.site: str | None = None
        self.leaving = False
        self._await_head(Stage.HEAD)

    def _await_head(self, stage: Stage) -> None:
        self.stage = stage
        self.since = self._now()
        self._head_size = 0
        self._head_ended = False
        self._tail = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        peer: object = transport.get_extra_info("peername")
        self.peer = str(peer[0]) if isinstance(peer, tuple) else None
        self.network, self.site = network_of(self.peer), site_of(self.peer)
        if self._doorkeeper.let_in(self):
            self._inner = self._behind()
            self._inner.connection_made(transport)
        else:
            self.leave(FULL)

    def connection_lost(self, exc: Exception | None) -> None:
        self._doorkeeper.gone(self)
        if self._inner:
            self._inner.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.stage is not Stage.REQUEST:
            self._hear(data)
        if self._inner and not self.leaving:
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received() if self._inner else None

    def pause_writing(self) -> None:
        if self._inner:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._unread = 0
        if self._inner:
            self._inner.resume_writing()

    def _hear(self, data: bytes) -> None:
        """A part of a head, unless it is the rest of a body that was not wanted."""
        if self._sends_a_body:
            return
        if self.stage is Stage.IDLE:
            self._await_head(Stage.HEAD)
        if self._head_ended:
            return
        around = self._tail + data
        self._head_ended = END_OF_HEAD in around
        self._tail = around[1 - len(END_OF_HEAD) :]
        self._head_size += len(data)
        if not self._head_ended and self._head_size > self._doorkeeper.limits.largest_head:
            self._doorkeeper.close(self, Reason.HEAD_SIZE, TOO_LARGE)

    def request_begins(self, body: StreamReader) -> None:
        self.stage = Stage.REQUEST
        self.since = self._now()
        self._body = body

    def request_ends(self) -> None:
        """The answer is made, and perhaps not yet written; the rest of the body may still be under way."""
        self._await_head(Stage.IDLE)

    @property
    def has_begun(self) -> bool:
        """Whether there is a part of a head."""
        return self._head_size > 0

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way in either direction."""
        return self.stage is Stage.IDLE and not self._unread and not self._sends_a_body

    @property
    def _sends_a_body(self) -> bool:
        return self._body is not None and not self._body.is_eof()

    @property
    def waits_since(self) -> float | None:
        """Since when it keeps us waiting; None where it waits for us, or is leaving anyway."""
        if self.leaving:
            return None
        if self._unread:
            return self._unread_since
        return None if self.stage is Stage.REQUEST and not self._sends_a_body else self.since

    def overdue(self) -> Reason | None:
        """Which deadline it has missed, if any. To be asked every now and then: it is then seen what has been read."""
        limits, now = self._doorkeeper.limits, self._now()
        if self._leaves_unread(now, limits.reading):
            return Reason.READING
        if self.leaving:
            return None
        waited = now - self.since
        if self._sends_a_body:
            return Reason.BODY if waited > BODY_MARGIN * limits.body else None
        if self.stage is Stage.HEAD:
            return Reason.HEAD if waited > limits.head else None
        return Reason.IDLE if self.stage is Stage.IDLE and waited > limits.idle else None

    def _leaves_unread(self, now: float, patience: float) -> bool:
        """Whether what is written waits without being read; somebody who reads something once in a while is slow."""
        unread = self.transport.get_write_buffer_size()
        if not unread:
            self._unread = 0
            return False
        if not self._unread or unread + READ_MEANWHILE <= self._unread:
            self._unread_since = now
            self._unread = unread
        self._unread = max(self._unread, unread)
        if self.stage is Stage.IDLE:
            self.since = now
        return now - self._unread_since > patience

    def leave(self, last_words: bytes = b"") -> None:
        """Close, once what is written has been taken; at once if it is not being taken."""
        self.leaving = True
        if self.transport.get_write_buffer_size():
            self.transport.abort()
            return
        if last_words:
            self.transport.write(last_words)
        self.transport.close()


def attended() -> Middleware:
    """The outermost middleware: tells a connection when its request begins and ends, where it has such a guard."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        transport = request.transport
        connection = transport.get_protocol() if transport else None
        if not isinstance(connection, Connection):
            return await handler(request)
        connection.request_begins(request.content)
        try:
            return await handler(request)
        finally:
            connection.request_ends()

    return middleware
