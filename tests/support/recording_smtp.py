"""An SMTP server for proofs, a process of its own: ``python -m tests.support.recording_smtp DIRECTORY [WITHOUT…]``.

It takes mail for anybody. Before it says 250 to a mail, one line of JSON about it is in ``DIRECTORY/accepted`` and
fsynced: ``connection``, ``message_id``, ``recipient``, ``digest`` (SHA-256 of the mail's bytes without dot-stuffing, so
that DATA and BDAT agree). Mails that wait at one time share a write. It offers PIPELINING, CHUNKING, 8BITMIME, SIZE and
SMTPUTF8, less what is named after the directory. Its first line on stdout is its port.

A test steers it over the socket ``DIRECTORY/control`` (`tests.support.relays`): a line of JSON, and a line in answer.

- ``hold``: from now on, ``most`` connections (null: all) stop at the point ``at``, after ``after`` times of passing it.
- ``reached``: answers once ``count`` connections are held there.
- ``release``: ends the hold; its connections go on, or are dropped (``drop``).
- ``quota``: at most ``count`` mails are taken in all, and further ones wait at their end until it is raised.
- ``accepted``: answers once ``count`` mails were accepted.
- ``emptied``: answers once no connection is open.

Points: ``connect``, ``EHLO``, ``MAIL``, ``RCPT``, ``DATA`` and ``BDAT``, each before its answer; ``354`` after it was
said; ``body`` when the first bytes of a body are there; ``dot`` when a mail is complete, and not yet taken; ``taken``
when it is recorded, and 250 not yet said; ``250`` when it has been said.
"""

import asyncio
import hashlib
import json
import os
import sys
from collections.abc import Callable
from email.parser import BytesHeaderParser
from io import FileIO
from pathlib import Path
from typing import Any, TypeAlias

OFFERS = ("PIPELINING", "CHUNKING", "8BITMIME", "SIZE 10485760", "SMTPUTF8")

# Bytes that a stream may hold while its connection is held: more than the largest mail that is offered here.
LIMIT = 2**24

Told: TypeAlias = dict[str, Any]


class Dropped(Exception):
    """The test wants this connection to end without a word."""


class Hold:
    """Where connections wait for the test's word."""

    def __init__(self, after: int, most: int | None) -> None:
        self._after, self._most = after, most
        self.connections: list[int] = []
        self.drops: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def catches(self) -> bool:
        """Whether a connection that comes by is to stay."""
        self._after -= 1
        return self._after < 0 and (self._most is None or len(self.connections) < self._most)


class Book:
    """The record, and one fsync for all that wait at one time."""

    def __init__(self, file: FileIO) -> None:
        self._file = file
        self._lines: list[bytes] = []
        self._written: asyncio.Future[None] | None = None
        self.count = Path(str(file.name)).read_bytes().count(b"\n")

    async def enter(self, told: Told) -> None:
        """Returns when it is on the disk."""
        self._lines.append(json.dumps(told).encode() + b"\n")
        if self._written is None:
            loop = asyncio.get_running_loop()
            self._written = loop.create_future()
            loop.call_soon(self._write)
        await self._written

    def _write(self) -> None:
        assert self._written is not None
        self._file.write(b"".join(self._lines))
        os.fsync(self._file.fileno())
        self.count += len(self._lines)
        self._written.set_result(None)
        self._lines, self._written = [], None


class Server:
    """What all connections share, and what the test may ask."""

    def __init__(self, book: Book, offers: list[str]) -> None:
        self.book = book
        self.offers = offers
        self._holds: dict[str, Hold] = {}
        self._quota: int | None = None
        self._granted = book.count
        self._connections = 0
        self._open: set[int] = set()
        self._changed = asyncio.Condition()

    async def pass_by(self, point: str, connection: int) -> None:
        """Wait here if the test wants it.

        Raises:
            Dropped: the connection is to end.
        """
        hold = self._holds.get(point)
        if hold is None or not hold.catches():
            return
        hold.connections.append(connection)
        await self.stir()
        if await hold.drops:
            raise Dropped

    async def take_turn(self) -> None:
        """Wait until the quota allows one more mail."""
        if self._quota is not None and self._granted >= self._quota:
            await self._until(lambda: self._quota is None or self._granted < self._quota)
        self._granted += 1

    async def stir(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        number = self._connections
        self._open.add(number)
        try:
            await self.dialogue(number, reader, writer).run()
        except (Dropped, OSError, EOFError):
            writer.transport.abort()
        finally:
            self._open.discard(number)
            await self.stir()
            writer.close()

    def dialogue(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> "Dialogue":
        """With whoever has connected."""
        return Dialogue(self, number, reader, writer)

    async def be_told(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One control connection: lines in, an answer to each."""
        try:
            while line := await reader.readline():
                told: Told = json.loads(line)
                answer = await getattr(self, f"do_{told.pop('do')}")(**told)
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
        except OSError:
            writer.transport.abort()
        finally:
            writer.close()

    async def do_hold(self, at: str, after: int, most: int | None) -> None:
        self._holds[at] = Hold(after, most)

    async def do_reached(self, at: str, count: int) -> list[int]:
        hold = self._holds[at]
        await self._until(lambda: len(hold.connections) >= count)
        return hold.connections

    async def do_release(self, at: str, *, drop: bool) -> None:
        self._holds.pop(at).drops.set_result(drop)

    async def do_quota(self, count: int | None) -> None:
        self._quota = count
        await self.stir()

    async def do_accepted(self, count: int) -> int:
        await self._until(lambda: self.book.count >= count)
        return self.book.count

    async def do_emptied(self) -> None:
        await self._until(lambda: not self._open)

    async def _until(self, holds: Callable[[], bool]) -> None:
        async with self._changed:
            await self._changed.wait_for(holds)


class Dialogue:
    """One connection, spoken as RFC 5321 and RFC 3030 have it."""

    def __init__(self, server: Server, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._server, self._number = server, number
        self._reader, self._writer = reader, writer
        self._greeted = self._over = False
        self._recipient: str | None = None
        self._chunks: list[bytes] = []

    async def run(self) -> None:
        await self._pass("connect")
        self._say("220 relay.test")
        while not self._over and (line := await self._reader.readline()):
            verb, _, words = line.decode().rstrip("\r\n").partition(" ")
            step = getattr(self, f"on_{verb.lower()}", None)
            if step is None:
                self._say("500 5.5.2 what?")
            else:
                await step(words)
            await self._writer.drain()

    async def on_ehlo(self, _: str) -> None:
        await self._pass("EHLO")
        self._forget()
        self._say("\r\n".join(["250-relay.test", *(f"250-{offer}" for offer in self._server.offers), "250 HELP"]))

    async def on_mail(self, _: str) -> None:
        await self._pass("MAIL")
        self._greeted = True
        self._say("250 2.1.0 ok")

    async def on_rcpt(self, words: str) -> None:
        await self._pass("RCPT")
        if not self._greeted:
            self._say("503 5.5.1 MAIL first")
            return
        self._recipient = words.partition("<")[2].partition(">")[0]
        self._say("250 2.1.5 ok")

    async def on_data(self, _: str) -> None:
        await self._pass("DATA")
        if self._recipient is None:
            self._say("503 5.5.1 RCPT first")
            return
        self._say("354 go on")
        await self._pass("354")
        await self._finish(await self._dotted())

    async def on_bdat(self, words: str) -> None:
        await self._pass("BDAT")
        size, _, last = words.partition(" ")
        await self._pass("body")
        self._chunks.append(await self._reader.readexactly(int(size)))
        if self._recipient is None:
            self._say("503 5.5.1 RCPT first")
        elif last.upper() == "LAST":
            await self._finish(b"".join(self._chunks))
        else:
            self._say("250 2.0.0 ok")

    async def on_rset(self, _: str) -> None:
        self._forget()
        self._say("250 2.0.0 ok")

    async def on_noop(self, _: str) -> None:
        self._say("250 2.0.0 ok")

    async def on_quit(self, _: str) -> None:
        self._over = True
        self._say("221 2.0.0 bye")

    async def _dotted(self) -> bytes:
        """A mail up to the lone dot, without it and without the dots that were stuffed in."""
        content = await self._reader.readexactly(3)
        await self._pass("body")
        while content != b".\r\n" and not content.endswith(b"\r\n.\r\n"):
            content += await self._reader.readuntil(b".\r\n")
        return content[:-3].removeprefix(b".").replace(b"\r\n.", b"\r\n")

    async def _finish(self, content: bytes) -> None:
        await self._pass("dot")
        await self._server.take_turn()
        headers = BytesHeaderParser().parsebytes(content.partition(b"\r\n\r\n")[0])
        told = {
            "connection": self._number,
            "message_id": str(headers["Message-ID"]).strip(),
            "recipient": self._recipient,
            "digest": hashlib.sha256(content).hexdigest(),
        }
        self._forget()
        await self._server.book.enter(told)
        await self._server.stir()
        await self._pass("taken")
        self._say("250 2.0.0 taken")
        await self._pass("250")

    async def _pass(self, point: str) -> None:
        await self._server.pass_by(point, self._number)

    def _say(self, reply: str) -> None:
        self._writer.write(f"{reply}\r\n".encode())

    def _forget(self) -> None:
        self._greeted = False
        self._recipient = None
        self._chunks = []


async def main(directory: Path, without: list[str]) -> None:
    offers = [offer for offer in OFFERS if offer.partition(" ")[0] not in without]
    with (directory / "accepted").open("ab", buffering=0) as file:
        server = Server(Book(file), offers)
        control = await asyncio.start_unix_server(server.be_told, directory / "control")
        relay = await asyncio.start_server(server.serve, "127.0.0.1", 0, limit=LIMIT)
        sys.stdout.write(f"{relay.sockets[0].getsockname()[1]}\n")
        sys.stdout.flush()
        async with control, relay:
            await relay.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2:]))
