"""One TCP connection to a mail server: commands out, replies in.

A reply is lines of ``<code>-text`` and a last one of ``<code> text`` (RFC 5321 §4.2.1). Whatever else may happen to a
connection is one exception, ``Lost``.
"""

import asyncio
import re
import ssl
from collections import deque
from collections.abc import Callable
from typing import cast

import attrs

__all__ = ["Answer", "Lost", "Wire"]

LINE = re.compile(rb"([2-5]\d\d)(?:([ -])(.*))?")

LONGEST_REPLY = 65_536
"""Bytes. RFC 5321 allows 512 in a line, and an EHLO has some twenty: a server that says more says nothing we read."""

LAST_WORDS = 2.0
"""Seconds for a connection to close in good order before it is dropped."""


class Lost(Exception):
    """The connection ended, was too slow, or speaks no SMTP; ``str()`` says which."""


@attrs.frozen
class Answer:
    """``text`` has the lines of the reply without their codes, joined by line feeds."""

    code: int
    text: str


@attrs.define
class Replies:
    """Bytes in, replies out; knows nothing of sockets."""

    _buffer: bytes = b""
    _lines: list[tuple[bytes, bytes]] = attrs.field(factory=list)
    _size: int = 0

    @property
    def are_complete(self) -> bool:
        return not (self._buffer or self._lines)

    def feed(self, data: bytes) -> list[Answer]:
        """The replies that ``data`` completes.

        Raises:
            Lost: the bytes are no reply, or too many.
        """
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        self._size += len(data)
        answers = [answer for line in lines if (answer := self._read(line.removesuffix(b"\r")))]
        if self._size > LONGEST_REPLY:
            raise Lost("the server's reply has no end")
        return answers

    def _read(self, line: bytes) -> Answer | None:
        match = LINE.fullmatch(line)
        if not match or (self._lines and self._lines[0][0] != match[1]):
            raise Lost(f"the server sent what is no reply: {line[:80].decode('utf-8', 'replace')}")
        self._lines.append((match[1], match[3] or b""))
        if match[2] == b"-":
            return None
        text = b"\n".join(text for _, text in self._lines).decode("utf-8", "replace")
        self._lines, self._size = [], 0
        return Answer(int(match[1]), text)


class Wire(asyncio.Protocol):
    """The connection. One caller at a time waits on it."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._replies = Replies()
        self._answers: deque[Answer] = deque()
        self._lost: str | None = None
        self._held_back = False
        self._wake: asyncio.Future[None] | None = None

    @property
    def is_quiet(self) -> bool:
        """Whether the connection stands and nothing has come that was not asked for."""
        return self._lost is None and not self._answers and self._replies.are_complete

    @property
    def own_address(self) -> str:
        """The network address of our end."""
        return str(self._line.get_extra_info("sockname")[0])

    async def answer(self, limit: float) -> Answer:
        """The next reply, within ``limit`` seconds.

        Raises:
            Lost: there is none.
        """
        await self._until(lambda: bool(self._answers), limit)
        return self._answers.popleft()

    async def send(self, data: bytes, limit: float) -> None:
        """Hand ``data`` to the operating system, completely, within ``limit`` seconds.

        Raises:
            Lost: it could not be.
        """
        self._check()
        self._line.write(data)
        await self._until(lambda: not self._held_back, limit)
        self._check()

    async def encrypt(self, context: ssl.SSLContext, host: str, limit: float) -> None:
        """Start TLS; whatever was read before it is somebody's injection (RFC 3207 §4.2, CVE-2011-0411).

        Raises:
            Lost: the server's certificate or the handshake is wrong.
        """
        if not self.is_quiet:
            raise Lost("the server sent plain text after its agreement to TLS")
        loop = asyncio.get_running_loop()
        try:
            encrypted = await loop.start_tls(
                self._line, self, context, server_hostname=host, ssl_handshake_timeout=limit
            )
        except OSError as error:
            raise Lost(f"TLS failed: {error}") from error
        if encrypted is None:
            raise Lost("the connection was closed during the TLS handshake")
        self.connection_made(encrypted)

    async def close(self) -> None:
        """Close in good order, or drop the connection if that takes too long."""
        self._line.close()
        try:
            await self._until(lambda: self._lost is not None, LAST_WORDS)
        except Lost:
            self._line.abort()

    def abort(self) -> None:
        """Drop the connection now: nothing that still waits in our buffers is sent."""
        self._line.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        # `send` returns when nothing is left here, so that we know which bytes cannot have reached anybody. (Not
        # high=0: asyncio's TLS transport would then hold back with an empty buffer.)
        self._transport.set_write_buffer_limits(high=1, low=0)

    def data_received(self, data: bytes) -> None:
        try:
            self._answers.extend(self._replies.feed(data))
        except Lost as error:
            self._lose(str(error))
            self._line.abort()
        self._stir()

    def eof_received(self) -> None:
        self._lose("the server closed the connection")

    def connection_lost(self, exc: Exception | None) -> None:
        self._lose(f"the connection was lost: {exc}" if exc else "the server closed the connection")

    def pause_writing(self) -> None:
        self._held_back = True

    def resume_writing(self) -> None:
        self._held_back = False
        self._stir()

    @property
    def _line(self) -> asyncio.Transport:
        if self._transport is None:
            raise Lost("there is no connection yet")
        return self._transport

    def _check(self) -> None:
        if self._lost is not None:
            raise Lost(self._lost)

    def _lose(self, reason: str) -> None:
        self._lost = self._lost or reason
        self._stir()

    def _stir(self) -> None:
        if self._wake and not self._wake.done():
            self._wake.set_result(None)

    async def _until(self, ready: Callable[[], bool], limit: float) -> None:
        """Wait until ``ready()``; what came before the connection was lost still counts."""
        try:
            async with asyncio.timeout(limit):
                while not ready() and self._lost is None:
                    self._wake = asyncio.get_running_loop().create_future()
                    await self._wake
        except TimeoutError:
            raise Lost(f"the server was silent for {limit:g} s") from None
        if not ready():
            raise Lost(self._lost or "the connection was lost")
