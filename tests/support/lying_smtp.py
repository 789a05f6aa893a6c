"""A mail server that lies: the recording one, in a thread of this process, with somebody who decides what it says.

At each point of a dialogue its liar is asked, and answers with a reply that is given instead of the usual one, with an
`Act`, or with None for the truth. Points are those of `tests.support.recording_smtp`: a refusal of a whole mail is for
``dot``, and what befalls a mail that was taken, its answer outstanding, for ``taken``.
"""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from threading import Thread
from typing import TypeAlias, cast

import attrs

from tests.support.recording_smtp import LIMIT, OFFERS, Book, Dialogue, Dropped, Server
from tests.support.relays import Relay
from tests.support.waiting import PATIENCE

NARROW = 4096
"""Bytes of a mail that a narrow server's kernel takes before the server reads them; the least that Linux grants."""


SLOW = 0.005
"""Seconds between two bytes: a second, scaled down as the mailer's time limits are."""


class Act(StrEnum):
    """``DROP`` closes the connection, ``RESET`` tears it down, ``SILENT`` says nothing until the other side gives up,
    and ``DRIBBLE`` goes on for as long with a reply that has no end.
    """

    DROP = "drop"
    RESET = "reset"
    SILENT = "silent"
    DRIBBLE = "dribble"


Lie: TypeAlias = str | None
"""A reply, an `Act`, or None."""


@attrs.frozen
class Moment:
    """Where a dialogue is. ``mails``: how many the connection has brought. ``recipient`` is '' before RCPT."""

    point: str
    connection: int
    mails: int
    recipient: str

    @property
    def domain(self) -> str:
        return self.recipient.partition("@")[2]


Liar: TypeAlias = Callable[[Moment], Lie | Awaitable[Lie]]


def honest(_: Moment) -> Lie:
    return None


class _Refused(Exception):
    def __init__(self, reply: str) -> None:
        super().__init__(reply)
        self.reply = reply


class LyingServer(Server):
    """``liar`` may be another one at any time. ``pause``: seconds between the bytes of each reply, None for none."""

    def __init__(self, book: Book, offers: Sequence[str], liar: Liar, relay: Relay, pause: float | None) -> None:
        super().__init__(book, list(offers))
        self.liar = liar
        self.relay = relay
        self.pause = pause
        self.open: set[asyncio.StreamWriter] = set()

    def dialogue(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Dialogue:
        self.open.add(writer)
        slow = writer if self.pause is None else cast(asyncio.StreamWriter, _Slow(writer, self.pause))
        return _Lying(self, number, reader, slow)

    async def tell_lies(self, listener: socket.socket, limit: int, stop: asyncio.Event) -> None:
        """Until the test is over."""
        async with await asyncio.start_server(self.serve, sock=listener, limit=limit):
            await stop.wait()
        for writer in self.open:
            writer.transport.abort()
        await self.do_emptied()


class _Slow:
    """A connection on which each byte is a packet."""

    def __init__(self, writer: asyncio.StreamWriter, pause: float) -> None:
        self._writer, self._pause = writer, pause
        self._waiting = b""
        self._sending: asyncio.Task[None] | None = None

    def write(self, data: bytes) -> None:
        self._waiting += data
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send())

    async def drain(self) -> None:
        if self._sending:
            await self._sending

    async def _send(self) -> None:
        while self._waiting and not self._writer.is_closing():
            self._writer.write(self._waiting[:1])
            self._waiting = self._waiting[1:]
            await asyncio.sleep(self._pause)

    def __getattr__(self, name: str) -> object:
        return getattr(self._writer, name)


class _Lying(Dialogue):
    """One connection, with the liar asked at each point."""

    def __init__(
        self, server: LyingServer, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        super().__init__(server, number, reader, writer)
        self._liars = server
        self._mails = 0
        self._to = ""

    async def run(self) -> None:
        await self._or_refuse(super().run())
        await self._writer.drain()

    async def on_ehlo(self, words: str) -> None:
        await self._or_refuse(super().on_ehlo(words))

    async def on_mail(self, words: str) -> None:
        self._to = ""
        await self._or_refuse(super().on_mail(words))

    async def on_rcpt(self, words: str) -> None:
        self._to = words.partition("<")[2].partition(">")[0]
        await self._or_refuse(super().on_rcpt(words))

    async def on_data(self, words: str) -> None:
        await self._or_refuse(super().on_data(words))

    async def on_bdat(self, words: str) -> None:
        await self._or_refuse(super().on_bdat(words))

    async def _or_refuse(self, step: Coroutine[object, object, None]) -> None:
        try:
            await step
        except _Refused as refused:
            self._say(refused.reply)
            if refused.reply.startswith("421"):
                await self._say_goodbye()

    async def _pass(self, point: str) -> None:
        await self._writer.drain()
        lie = self._liars.liar(Moment(point, self._number, self._mails, self._to))
        told = lie if isinstance(lie, str | None) else await lie
        if isinstance(told, Act):
            await self._act(told)
        if told is not None:
            self._forget_mail(point)
            raise _Refused(told)
        self._mails += point == "250"

    async def _act(self, act: Act) -> None:
        if act is Act.RESET:
            linger = struct.pack("ii", 1, 0)
            self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        if act is Act.SILENT:
            await self._reader.read()
        if act is Act.DRIBBLE:
            await self._dribble()
        raise Dropped

    async def _dribble(self) -> None:
        """Until writing fails: the other side has closed its end by then."""
        self._say("250-there is more to come")
        while not self._reader.at_eof():
            self._writer.write(b"x")
            await self._writer.drain()
            await asyncio.sleep(SLOW)

    async def _say_goodbye(self) -> None:
        """Say all, and then wait for the other side to close: whoever closes first may take words back."""
        await self._writer.drain()
        self._writer.write_eof()
        await self._reader.read()
        raise Dropped

    def _forget_mail(self, point: str) -> None:
        """A transaction is over when it was refused as a whole."""
        if point in {"MAIL", "dot"}:
            self._forget()


@contextmanager
def lying(
    directory: Path,
    liar: Liar = honest,
    *,
    without: Sequence[str] = (),
    pause: float | None = None,
    narrow: bool = False,
) -> Iterator[LyingServer]:
    """A server that runs, with its record in ``directory``, which is made. A narrow one reads a mail no faster than it
    handles it.
    """
    offers = [offer for offer in OFFERS if offer.partition(" ")[0] not in without]
    running: Future[tuple[LyingServer, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def run() -> None:
        listener = _listener(narrow=narrow)
        with (directory / "accepted").open("ab", buffering=0) as file:
            relay = Relay(listener.getsockname()[1], directory)
            server, stop = LyingServer(Book(file), offers, liar, relay, pause), asyncio.Event()
            running.set_result((server, asyncio.get_running_loop(), stop))
            await server.tell_lies(listener, NARROW if narrow else LIMIT, stop)

    directory.mkdir(exist_ok=True)
    thread = Thread(target=asyncio.run, args=[run()])
    thread.start()
    server, loop, stop = running.result(PATIENCE)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(PATIENCE)


def _listener(*, narrow: bool) -> socket.socket:
    # asyncio lets each reply go at once only where the protocol is named.
    listener = socket.socket(proto=socket.IPPROTO_TCP)
    if narrow:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, NARROW)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    return listener
