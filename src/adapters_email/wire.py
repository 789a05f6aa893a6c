"""One TCP connection to a mail server, and how long it may be silent.

Whatever may happen to a connection is told to its `Exchange`, which knows what that means for whom.
"""

import asyncio
import ssl
from collections.abc import Callable
from typing import cast

import attrs

from adapters_email.exchange import SURPLUS, Asked, Exchange, Step
from adapters_email.lanes import PATIENCE
from adapters_email.waits import StepName, Waits
from zero2prod_core.errors import Defect

__all__ = ["Lost", "TimeLimits", "Wire"]

LAST_WORDS = 2.0
"""Seconds for a connection to close in good order before it is dropped."""


class Lost(Exception):
    """The connection ended, was too slow, or speaks no SMTP; ``str()`` says which."""


@attrs.frozen
class TimeLimits:
    """Seconds for each step; the least that RFC 5321 §4.5.3.2 asks for, which a patient sender does not undercut."""

    connect: float = 30
    """No section speaks of it. A relay that takes longer to accept a TCP connection is down."""
    greeting: float = 300
    command: float = 300
    data: float = 120
    block: float = 180
    end: float = PATIENCE
    farewell: float = 2
    """QUIT is a courtesy."""

    @classmethod
    def capped(cls, most: float) -> "TimeLimits":
        """No step longer than ``most`` seconds."""
        usual = cls()
        return cls(**{name: min(most, value) for name, value in attrs.asdict(usual).items()})

    @property
    def shortest(self) -> float:
        """No reply is awaited for less."""
        return min(self.greeting, self.command, self.data, self.end)


@attrs.frozen
class _Caller:
    """One who waits until ``ready`` is true, and is then woken."""

    ready: Callable[[], bool]
    woken: asyncio.Future[None]

    def look(self) -> None:
        if not self.woken.done() and self.ready():
            self.woken.set_result(None)


class Wire(asyncio.Protocol):
    """The connection. One caller at a time waits on it.

    Replies are awaited for as long as the limit of the oldest expectation says, from the last time that we wrote or
    that a reply was complete: one that comes byte by byte gets no more time than another. One timer serves them all: it
    rings at least as often as the shortest limit lasts, so that no deadline can come before it, and a mail costs no
    timer of its own.
    """

    def __init__(self, limits: TimeLimits, waits: Waits) -> None:
        self.exchange = Exchange()
        self.limits = limits
        self._waits = waits
        self.is_held_back = False
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._deadline: float | None = None
        self._limit = 0.0
        self._alive_at = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self._caller: _Caller | None = None

    @property
    def own_address(self) -> str:
        """The network address of our end."""
        return str(self._line.get_extra_info("sockname")[0])

    def write(self, data: bytes) -> None:
        """Begin to send; a connection that is lost takes nothing, and has told so."""
        if self.exchange.lost is not None:
            return
        self._line.write(data)
        if self._line.is_closing():
            # asyncio tells it on its next turn, and until then throws away what is written.
            self._lose("the connection was lost while we wrote")
        self._expect_life()

    def ask(self, data: bytes, asked: Asked, *steps: Step) -> None:
        """Send commands, and have their replies told to ``asked``."""
        self.exchange.expect(asked, *steps)
        self.write(data)

    async def until(self, ready: Callable[[], bool]) -> None:
        """Wait for what must come true by the time that the connection is lost."""
        while not ready():
            self._caller = _Caller(ready, self._loop.create_future())
            await self._caller.woken

    async def drained(self) -> None:
        """Wait until the operating system has all that was written, or the connection is lost."""
        if not self.is_held_back:
            return
        try:
            async with asyncio.timeout(self.limits.block):
                await self.until(lambda: not self.is_held_back or self.exchange.lost is not None)
        except TimeoutError:
            self._lose(f"the server read nothing for {self.limits.block:g} s")
            self._line.abort()

    async def encrypt(self, context: ssl.SSLContext, host: str) -> None:
        """Start TLS; whatever was read before it is somebody's injection (RFC 3207 §4.2, CVE-2011-0411).

        Raises:
            Lost: the server's certificate or the handshake is wrong.
        """
        if self.exchange.lost not in {None, SURPLUS}:
            raise Lost(self.exchange.lost)
        if not self.exchange.is_quiet:
            raise Lost("the server sent plain text after its agreement to TLS")
        started = self._loop.time()
        try:
            encrypted = await self._loop.start_tls(
                self._line, self, context, server_hostname=host, ssl_handshake_timeout=self.limits.connect
            )
        except OSError as error:
            raise Lost(f"TLS failed: {error}") from error
        if encrypted is None:
            raise Lost("the connection was closed during the TLS handshake")
        self._waits.note([StepName.TLS], self._loop.time() - started)
        self.connection_made(encrypted)

    async def close(self) -> None:
        """Close in good order, or drop the connection if that takes too long."""
        self._line.close()
        try:
            async with asyncio.timeout(LAST_WORDS):
                await self.until(lambda: self.exchange.lost is not None)
        except TimeoutError:
            self.abort()

    def abort(self) -> None:
        """Drop the connection now: nothing that still waits in our buffers is sent."""
        self._line.abort()
        self._lose("the connection was dropped")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        # Held back means that something is left here, so that we know which bytes cannot have reached anybody. (Not
        # high=0: asyncio's TLS transport would then hold back with an empty buffer.)
        self._transport.set_write_buffer_limits(high=1, low=0)
        self._expect_life()

    def data_received(self, data: bytes) -> None:
        awaited, since = self.exchange.awaited, self._alive_at
        self.exchange.feed(data)
        if self.exchange.lost is not None:
            self._line.abort()
        if self.exchange.awaited != awaited:
            self._expect_life()
        if heard := self.exchange.heard:
            self._waits.note(heard, self._alive_at - since)
            heard.clear()
        self._stir()

    def eof_received(self) -> None:
        # Not closed in good order: asyncio would first send what still waits here, of a mail that is reported as lost.
        self._lose("the server closed the connection")
        self._line.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lose(f"the connection was lost: {exc}" if exc else "the server closed the connection")
        if self._timer:
            self._timer.cancel()

    def pause_writing(self) -> None:
        self.is_held_back = True

    def resume_writing(self) -> None:
        self.is_held_back = False
        self._stir()

    @property
    def _line(self) -> asyncio.Transport:
        if self._transport is None:
            raise Defect("a wire is used before it has a connection")
        return self._transport

    def _lose(self, reason: str) -> None:
        self.exchange.lose(reason)
        self._stir()

    def _stir(self) -> None:
        if self._caller:
            self._caller.look()

    def _expect_life(self) -> None:
        """Set the deadline for the next reply, if one is awaited."""
        self._alive_at = self._loop.time()
        if step := self.exchange.next_step:
            self._limit = getattr(self.limits, step.limit)
            self._deadline = self._alive_at + self._limit
            if self._timer is None:
                self._ring_again(self._deadline)
        else:
            self._deadline = None

    def _ring_again(self, deadline: float) -> None:
        self._timer = self._loop.call_at(min(deadline, self._loop.time() + self.limits.shortest), self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._deadline is None:
            return
        if self._loop.time() < self._deadline:
            self._ring_again(self._deadline)
        else:
            self._lose(f"the server was silent for {self._limit:g} s")
            self._line.abort()
