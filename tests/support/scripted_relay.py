"""A mail server without sockets, at the other end of a `Wire`: what it is told it hears at once, write by write."""

import asyncio
import ssl
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Iterable

import attrs
import pytest

from adapters_email import dialogue
from adapters_email.composing import Mail
from adapters_email.dialogue import Way
from adapters_email.opening import Offers
from adapters_email.smtp import SmtpMailer
from adapters_email.smtp_url import SmtpUrl
from adapters_email.waits import Waits
from adapters_email.wire import TimeLimits, Wire
from tests.support.parcels import SENDER, issue, parcel
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.ports.mailer import Parcel

DROP = "drop the connection"
SILENT = "say nothing any more"

OFFERS = {Way.STEPS: (), Way.PIPELINING: ("PIPELINING",), Way.CHUNKING: ("PIPELINING", "CHUNKING")}
CONTEXT = ssl.create_default_context()

USUAL = {
    "MAIL": "250 2.1.0 ok",
    "RCPT": "250 2.1.5 ok",
    "DATA": "354 go on",
    "END": "250 2.0.0 queued",
    "RSET": "250 2.0.0 ok",
    "QUIT": "221 2.0.0 bye",
}


@attrs.define
class Tried:
    """What was said of one mail the last time that it was tried: the first refusal, or the reply to its end."""

    verb: str
    reply: str


def parcels(count: int) -> list[Parcel]:
    """Each with a sender of its own, by which the relay knows it."""
    return [
        parcel(
            issue(),
            f"reader{number}@example.com",
            sender=attrs.evolve(SENDER, email=EmailAddress.parse(f"sender{number}@example.com")),
        )
        for number in range(count)
    ]


def mailer(*, patience: float = 20, finish: Callable[[Mail], Awaitable[Mail]] | None = None) -> SmtpMailer:
    relay = SmtpUrl.parse("smtp://relay.test?tls=none")
    return SmtpMailer(relay, connections=1, time_limit=patience, context=CONTEXT, finish=finish)


class ScriptedRelay:
    """Give it to `pytest.MonkeyPatch` by `installed`; every session that is opened then is one with this server.

    ``script[verb]`` is a queue of what to do when the verb comes: replies, ``DROP``, ``SILENT``, or nothing for the
    usual. The verb for the end of a mail is ``END``. Mails are known by their MAIL FROM. A
    lax server goes on with DATA where no recipient was taken.
    """

    def __init__(self, *offers: str, cut: Callable[[bytes], Iterable[bytes]] = lambda said: (said,)) -> None:
        self.script: defaultdict[str, deque[str]] = defaultdict(deque)
        self.writes: list[bytes] = []
        self.verbs: list[str] = []
        self.completed: list[tuple[str, bytes]] = []
        self.tried: dict[str, Tried] = {}
        self.connections = 0
        self.at_end: Callable[[str, int], None] = lambda _sender, _connection: None
        self.cut = cut
        self.is_lax = False
        self._offers = Offers.read("\n".join(("relay.test", "8BITMIME", "SIZE 10000000", *offers)))

    def installed(self, patch: pytest.MonkeyPatch) -> "ScriptedRelay":
        patch.setattr(dialogue, "open_wire", self._open)
        return self

    async def _open(self, _relay: object, limits: TimeLimits, _context: object, waits: Waits) -> tuple[Wire, Offers]:
        self.connections += 1
        wire = Wire(limits, waits)
        wire.connection_made(_Line(self, wire, self.connections))
        return wire, self._offers


class _Line(asyncio.Transport):
    """One connection, seen from the client's side; what is written is answered on the loop's next turns."""

    def __init__(self, relay: ScriptedRelay, wire: Wire, number: int) -> None:
        super().__init__()
        self._relay, self._wire, self._number = relay, wire, number
        self._heard = b""
        self._says = bytearray()
        self._sender: str | None = None
        self._rcpt = self._in_data = self._is_silent = self._is_closed = False

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """There is no buffer."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._is_closed:  # the other end did, and it is not yet known here
            return
        self._relay.writes.append(bytes(data))
        self._heard += bytes(data)
        while self._hear_one():
            pass
        said, self._says = bytes(self._says), bytearray()
        for piece in self._relay.cut(said):
            if piece:
                asyncio.get_running_loop().call_soon(self._deliver, piece)

    def is_closing(self) -> bool:
        return self._is_closed

    def abort(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            asyncio.get_running_loop().call_soon(self._wire.connection_lost, None)

    close = abort

    def _deliver(self, piece: bytes) -> None:
        if not self._is_closed:
            self._wire.data_received(piece)

    def _hear_one(self) -> bool:
        if self._is_silent or self._is_closed:
            return False
        if self._in_data:
            return self._hear_data()
        line, end, rest = self._heard.partition(b"\r\n")
        if not end:
            return False
        verb, _, words = line.decode().partition(" ")
        if verb == "BDAT":
            return self._hear_chunk(int(words.split()[0]), rest)
        self._heard = rest
        if verb == "MAIL":
            self._sender = words.partition("<")[2].partition(">")[0]
            self._rcpt = False
        self._answer(verb)
        return True

    def _hear_data(self) -> bool:
        content, end, rest = (b"\r\n" + self._heard).partition(b"\r\n.\r\n")
        if not end:
            return False
        self._heard, self._in_data = rest, False
        self._end(content[2:].replace(b"\r\n..", b"\r\n.") + b"\r\n")
        return True

    def _hear_chunk(self, size: int, rest: bytes) -> bool:
        if len(rest) < size:
            return False
        self._heard = rest[size:]
        if self._rcpt:
            self._end(rest[:size])
        else:
            self._relay.verbs.append("BDAT")
            self._says += b"503 5.5.1 no recipient\r\n"
        return True

    def _end(self, content: bytes) -> None:
        assert self._sender is not None
        self._relay.completed.append((self._sender, content))
        self._relay.at_end(self._sender, self._number)
        self._answer("END")

    def _answer(self, verb: str) -> None:
        self._relay.verbs.append(verb)
        reply = self._reply(verb)
        if verb in {"MAIL", "RCPT", "DATA", "END"}:
            self._note(verb, reply)
        if reply == SILENT:
            self._is_silent = True
        elif reply == DROP:
            self._drop()
        else:
            self._says += f"{reply}\r\n".encode()
            if reply.startswith("421"):
                self._drop()

    def _reply(self, verb: str) -> str:
        if (verb == "RCPT" and not self._sender) or (verb == "DATA" and not self._rcpt and not self._relay.is_lax):
            return "503 5.5.1 not now"
        queue = self._relay.script[verb]
        return queue.popleft() if queue else USUAL[verb]

    def _note(self, verb: str, reply: str) -> None:
        """What this does to the transaction, and what is remembered of the mail."""
        succeeds = reply.startswith({"DATA": "354", "END": "2"}.get(verb, "2"))
        if self._sender:
            told = self._relay.tried.get(self._sender)
            if verb == "MAIL" or (told and told.reply.startswith(("2", "354"))):
                self._relay.tried[self._sender] = Tried(verb, reply)
        if verb == "RCPT":
            self._rcpt = succeeds
        if verb == "DATA":
            self._in_data = succeeds
        if verb == "END" or (verb == "MAIL" and not succeeds):
            self._sender, self._rcpt = None, False

    def _drop(self) -> None:
        """End the connection behind what was said."""
        said, self._says = bytes(self._says), bytearray()
        for piece in self._relay.cut(said):
            if piece:
                asyncio.get_running_loop().call_soon(self._deliver, piece)
        asyncio.get_running_loop().call_soon(self.abort)
        self._is_silent = True
