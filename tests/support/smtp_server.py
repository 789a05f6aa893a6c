"""A real SMTP server in this process, which can be told to answer anything at any step."""

import asyncio
import ssl
from collections import Counter, defaultdict, deque
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace, TracebackType
from typing import AnyStr, Self

import attrs
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword, Session

from tests.support.certificates import self_signed
from tests.support.waiting import PATIENCE

DROP = "drop the connection"
SILENT = "say nothing"
ALREADY_ANSWERED = ""


@attrs.frozen
class Received:
    """A mail that was completed, whatever the server answered then."""

    sender: str
    recipient: str
    options: list[str]
    content: bytes
    connection: int


@attrs.frozen
class Certificate:
    """One made for a test: contexts for the server that shows it and for a client that believes it."""

    server: ssl.SSLContext
    client: ssl.SSLContext


@cache
def certificate(host: str = "127.0.0.1") -> Certificate:
    """A self-signed certificate for one network address."""
    pem = self_signed(host)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with TemporaryDirectory() as directory:
        file = Path(directory, "certificate.pem")
        file.write_bytes(pem.public + pem.private)
        server.load_cert_chain(file)
    return Certificate(server, ssl.create_default_context(cadata=pem.public.decode()))


class SmtpServer:
    """Listens on loopback while it is entered.

    ``script[verb]`` is a queue of what to do when the verb comes: a reply, ``DROP``, ``SILENT``, or None for the usual.
    Besides the commands there are the verbs ``CONNECT``, ``BODY`` (after a mail's first line) and ``END`` (after its
    last). ``holds[verb]``, where there is one, is waited for first. ``at_end`` is called with each completed mail.
    """

    def __init__(
        self,
        *,
        starttls: ssl.SSLContext | None = None,
        implicit: ssl.SSLContext | None = None,
        password: str | None = None,
        without: tuple[str, ...] = (),
        smtputf8: bool = False,
        pipelining: bool = False,
    ) -> None:
        self.mails: list[Received] = []
        self.said: list[tuple[int, str]] = []
        self.logins: list[tuple[str, bytes, bytes]] = []
        self.script: defaultdict[str, deque[str | None]] = defaultdict(deque)
        self.holds: dict[str, asyncio.Event] = {}
        self.at_end: Callable[[Received], None] = self.mails.append
        self.connections = 0
        self.open: set[_Connection] = set()
        self.port = 0
        self._starttls, self._implicit, self._password = starttls, implicit, password
        self._without, self._smtputf8 = without, smtputf8
        self.pipelining = pipelining
        self._changed = asyncio.Condition()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", self.port, ssl=self._implicit)
        self.port = server.sockets[0].getsockname()[1]
        self._stack.callback(server.close)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()
        for connection in set(self.open):
            connection.drop()
        await self.emptied()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def verbs(self) -> list[str]:
        return [verb for _, verb in self.said]

    async def heard(self, verb: str, count: int = 1) -> None:
        """Wait until the verb has come so many times."""
        await self._until(lambda: Counter(self.verbs)[verb] >= count)

    async def emptied(self) -> None:
        """Wait until no connection is open."""
        await self._until(lambda: not self.open)

    async def hear(self, connection: int, verb: str) -> str | None:
        """Note the verb, wait where the test says so, and say what to do."""
        self.said.append((connection, verb))
        await self.stir()
        if verb in self.holds:
            await self.holds[verb].wait()
        return self.script[verb].popleft() if self.script[verb] else None

    async def stir(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    def stir_soon(self) -> None:
        asyncio.get_running_loop().create_task(self.stir())

    async def _until(self, holds: Callable[[], bool]) -> None:
        async with self._changed:
            await asyncio.wait_for(self._changed.wait_for(holds), PATIENCE)

    def check(self, _server: object, _session: object, _envelope: object, mechanism: str, data: object) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((mechanism, data.login, data.password))
        return AuthResult(success=data.password.decode() == self._password, handled=False)

    def excluded(self) -> tuple[str, ...]:
        return self._without if self._password else ("PLAIN", "LOGIN")

    def offers(self) -> tuple[ssl.SSLContext | None, bool]:
        return self._starttls, self._smtputf8


class _Connection(SMTP):
    """aiosmtpd, asking the test's script at each step."""

    def __init__(self, server: SmtpServer) -> None:
        context, smtputf8 = server.offers()
        super().__init__(
            SimpleNamespace(handle_DATA=self._finish, handle_EHLO=self._offer),
            hostname="relay.test",
            tls_context=context,
            require_starttls=context is not None,
            auth_require_tls=context is not None,
            auth_exclude_mechanism=server.excluded(),
            authenticator=server.check,
            enable_SMTPUTF8=smtputf8,
        )
        self._server = server
        self._number = 0

    async def _handle_client(self) -> None:
        self._number = self._server.connections
        self._server.connections += 1
        try:
            if not await self.plays("CONNECT"):
                await super()._handle_client()
        finally:
            self._writer.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._server.open.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self._server.open.discard(self)
        self._server.stir_soon()

    def drop(self) -> None:
        """End the connection without ceremony."""
        for transport in (self.transport, self._original_transport):
            if isinstance(transport, asyncio.WriteTransport):
                transport.abort()

    async def plays(self, verb: str) -> bool:
        """Whether the script has taken care of this step."""
        act = await self._server.hear(self._number, verb)
        if act is None:
            return False
        if act == DROP:
            self.drop()
        if act in {DROP, SILENT}:
            await asyncio.Event().wait()  # until the connection is lost, which cancels this
        await self.push(act)
        return True

    async def take_data(self, arg: str) -> None:
        """DATA, with a chance to answer before the mail is complete."""
        if not self._server.script["BODY"]:
            await super().smtp_DATA(arg)
            return
        await self.push("354 go on")
        await self._reader.readuntil(b"\r\n")
        await self.plays("BODY")
        while await self._reader.readline() != b".\r\n":
            pass

    async def _offer(
        self, _server: object, session: Session, _envelope: object, name: str, said: list[str]
    ) -> list[str]:
        """aiosmtpd reads one command after the other, however many came, and does not say so itself."""
        session.host_name = name
        return [*said[:-1], *(["250-PIPELINING"] if self._server.pipelining else []), said[-1]]

    async def _finish(self, *_: object) -> str:
        """The whole mail has come."""
        assert self.envelope is not None
        assert isinstance(self.envelope.original_content, bytes)
        content, options = self.envelope.original_content, self.envelope.mail_options
        for recipient in self.envelope.rcpt_tos:
            self._server.at_end(Received(str(self.envelope.mail_from), recipient, options, content, self._number))
        return ALREADY_ANSWERED if await self.plays("END") else "250 2.0.0 queued"

    async def push(self, status: AnyStr) -> None:
        if status != ALREADY_ANSWERED:
            await super().push(status)


def _scripted(verb: str, usual: Callable[[_Connection, str], Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    async def step(connection: _Connection, arg: str) -> None:
        if not await connection.plays(verb):
            await usual(connection, arg)

    return step


for _verb in ("EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "RSET", "QUIT"):
    setattr(_Connection, f"smtp_{_verb}", _scripted(_verb, getattr(SMTP, f"smtp_{_verb}")))
setattr(_Connection, "smtp_DATA", _scripted("DATA", _Connection.take_data))  # noqa: B010 - aiosmtpd's naming, not ours
