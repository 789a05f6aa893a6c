"""An SMTP server that only counts, a process of its own: ``python -m tests.support.counting_smtp [WITHOUT…]``.

It takes mail for anybody as fast as it can, and forgets it. What it keeps is how many there were, and the sum of a hash
of their recipients: two crowds with the same sum are the same crowd, in whatever order, each as often. It offers
PIPELINING, CHUNKING, 8BITMIME, SIZE and SMTPUTF8, less what is named after it.

Its first line on stdout is its port. Each line on stdin is a number; once so many mails were taken in all, the number
that were and the sum of their recipients are answered in a line.
"""

import asyncio
import hashlib
import sys
from collections.abc import Callable, Iterable
from typing import cast

OFFERS = ("PIPELINING", "CHUNKING", "8BITMIME", "SIZE 10485760", "SMTPUTF8")
SUMS = 2**64

OK = b"250 2.0.0 ok\r\n"
GO_ON = b"354 go on\r\n"
END_OF_DATA = b"\r\n.\r\n"


def crowd_sum(recipients: Iterable[str]) -> int:
    """What a server's sum is after a mail to each of these."""
    return sum(map(_hash, map(str.encode, recipients))) % SUMS


def _hash(recipient: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(recipient, digest_size=8).digest())


class Sink:
    """What all connections share. Each question is answered once, by ``tell``."""

    def __init__(self, tell: Callable[[str], object]) -> None:
        self._tell = tell
        self._count = self._sum = 0
        self._awaited: list[int] = []

    def ask(self, count: int) -> None:
        self._awaited.append(count)
        self._answer()

    def take(self, recipient: bytes) -> None:
        self._count += 1
        self._sum += _hash(recipient)
        if self._awaited:
            self._answer()

    def _answer(self) -> None:
        while self._awaited and self._count >= self._awaited[0]:
            self._awaited.pop(0)
            self._tell(f"{self._count} {self._sum % SUMS}\n")


class Dialogue(asyncio.Protocol):
    """One connection. Commands are believed; ``_size`` is of the chunk that is coming in, ``_is_data`` says of a mail
    that it ends with a dot.
    """

    def __init__(self, sink: Sink, offers: bytes) -> None:
        self._sink = sink
        self._offers = offers
        self._line: asyncio.WriteTransport | None = None
        self._unread = b""
        self._recipient = b""
        self._size: int | None = None
        self._is_data = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._line = cast(asyncio.WriteTransport, transport)
        self._line.write(b"220 sink.test\r\n")

    def data_received(self, data: bytes) -> None:
        self._unread += data
        answers = []
        while (answer := self._read()) is not None:
            answers.append(answer)
        assert self._line
        self._line.write(b"".join(answers))

    def _read(self) -> bytes | None:
        """The answer to the next thing that is wholly there."""
        if self._size is not None:
            return self._end(self._size) if len(self._unread) >= self._size else None
        if self._is_data:
            found = self._unread.find(END_OF_DATA)
            return self._end(found + len(END_OF_DATA)) if found >= 0 else None
        line, ended, rest = self._unread.partition(b"\r\n")
        if not ended:
            return None
        self._unread = rest
        return self._obey(line)

    def _end(self, size: int) -> bytes:
        self._unread = self._unread[size:]
        self._size, self._is_data = None, False
        self._sink.take(self._recipient)
        return OK

    def _obey(self, line: bytes) -> bytes:
        verb = line[:4].upper()
        if verb == b"RCPT":
            self._recipient = line.partition(b"<")[2].partition(b">")[0]
        elif verb == b"BDAT":
            self._size = int(line.split()[1])
            return b""
        elif verb == b"DATA":
            self._is_data = True
            return GO_ON
        elif verb == b"EHLO":
            return self._offers
        return OK


def offered(without: list[str]) -> bytes:
    offers = [offer for offer in OFFERS if offer.partition(" ")[0] not in without]
    return "\r\n".join(["250-sink.test", *(f"250-{offer}" for offer in offers), "250 HELP\r\n"]).encode()


def tell(line: str) -> None:
    sys.stdout.write(line)
    sys.stdout.flush()


async def main(without: list[str]) -> None:
    loop, sink, offers = asyncio.get_running_loop(), Sink(tell), offered(without)
    questions = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(questions), sys.stdin)
    server = await loop.create_server(lambda: Dialogue(sink, offers), "127.0.0.1", 0, backlog=256)
    tell(f"{server.sockets[0].getsockname()[1]}\n")
    async with server:
        while question := await questions.readline():
            sink.ask(int(question))


if __name__ == "__main__":
    try:
        import uvloop
    except ImportError:
        asyncio.run(main(sys.argv[1:]))
    else:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main(sys.argv[1:]))
