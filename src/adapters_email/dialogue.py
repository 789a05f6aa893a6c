"""SMTP as a client speaks it (RFC 5321), one mail after the other over one connection.

Each step knows its phase, because the same reply means different things in different phases.
"""

import asyncio
import base64
import ssl
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import ip_address
from types import MappingProxyType

import attrs

from adapters_email.composing import Envelope, Mail
from adapters_email.lanes import PATIENCE
from adapters_email.smtp_url import Credentials, SmtpUrl, Tls
from adapters_email.wire import Answer, Lost, Wire
from zero2prod_core.domain.deliveries import Outcome
from zero2prod_core.domain.replies import Phase, outcome_of

__all__ = ["Session", "Stopped", "TimeLimits"]

END_OF_DATA = b".\r\n"

BLOCK = 262_144
"""Bytes of a mail handed over at once: the time limit of a data block is for each of them."""


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


class Stopped(Exception):
    """A step that did not succeed: what the server said, or with ``code`` None, what befell the connection."""

    def __init__(self, phase: Phase, code: int | None, text: str) -> None:
        super().__init__(phase, code, text)
        self.phase, self.code, self.text = phase, code, text

    @property
    def outcome(self) -> Outcome:
        return outcome_of(self.phase, self.code, self.text)

    @property
    def ends_session(self) -> bool:
        """No connection, a goodbye (421), a reply of the wrong kind or at the wrong time: no mail can follow."""
        return self.code is None or self.code == 421 or self.code < 400 or self.phase is Phase.BODY


class Session:
    """An SMTP session that is ready for mails.

    ``phase`` is where the mail under way is: whoever interrupts it learns what that means for the mail.
    """

    def __init__(self, wire: Wire, limits: TimeLimits) -> None:
        self.phase = Phase.SETUP
        self._wire = wire
        self._limits = limits
        self._offers: Mapping[str, str] = MappingProxyType({})
        self._begun = False
        self._over = False

    @classmethod
    async def open(cls, relay: SmtpUrl, limits: TimeLimits, context: ssl.SSLContext) -> "Session":
        """Connect, encrypt and log in.

        Raises:
            Stopped: in phase SETUP.
        """
        session = cls(await _dial(relay, limits, context), limits)
        try:
            await session._set_up(relay, context)
        except BaseException:
            session.abort()
            raise
        return session

    @property
    def is_ready(self) -> bool:
        """Whether another mail can be tried here."""
        return not self._over and self._wire.is_quiet

    async def offer(self, mail: Mail) -> None:
        """MAIL and RCPT, after a RSET where the mail before was not completed.

        Raises:
            Stopped: in phase SETUP or RCPT.
        """
        self.phase = Phase.SETUP
        if self._begun:
            await self._ask("RSET", "250")
            self._begun = False
        await self._ask(f"MAIL FROM:<{mail.envelope.sender}>{self._parameters(mail)}", "2")
        self._begun = True
        self.phase = Phase.RCPT
        self._check_utf8(mail.envelope)
        await self._ask(f"RCPT TO:<{mail.envelope.recipient}>", "2")

    async def complete(self, mail: Mail) -> Outcome:
        """DATA and the mail. Once this has begun the mail may be sent twice, unless the server says no.

        Raises:
            Stopped: in phase DATA, BODY or END.
        """
        self.phase = Phase.DATA
        await self._ask("DATA", "354", self._limits.data)
        self.phase = Phase.BODY
        content = _stuffed(mail.content)
        for start in range(0, len(content), BLOCK):
            await self._send(content[start : start + BLOCK], self._limits.block)
            await self._check_unanswered()
        self.phase = Phase.END
        self._begun = False
        await self._send(END_OF_DATA, self._limits.block)
        answer = await self._answer("2", self._limits.end)
        return outcome_of(Phase.END, answer.code, answer.text)

    async def quit(self) -> None:
        """Say goodbye and close; a session that is over is just dropped."""
        if self.is_ready:
            with suppress(Stopped):
                await self._ask("QUIT", "2", self._limits.farewell)
            await self._wire.close()
        else:
            self.abort()

    def abort(self) -> None:
        self._over = True
        self._wire.abort()

    async def _set_up(self, relay: SmtpUrl, context: ssl.SSLContext) -> None:
        await self._answer("220", self._limits.greeting)
        await self._greet()
        if relay.tls is Tls.STARTTLS:
            await self._encrypt(relay.host, context)
        if relay.credentials:
            await self._log_in(relay.credentials)

    async def _greet(self) -> None:
        answer = await self._ask(f"EHLO {_literal(self._wire.own_address)}", "250")
        self._offers = _read_offers(answer.text)

    async def _encrypt(self, host: str, context: ssl.SSLContext) -> None:
        if "STARTTLS" not in self._offers:
            raise self._stop(None, "the server does not offer STARTTLS")
        await self._ask("STARTTLS", "220")
        try:
            await self._wire.encrypt(context, host, self._limits.connect)
        except Lost as error:
            raise self._stop(None, str(error)) from error
        await self._greet()

    async def _log_in(self, credentials: Credentials) -> None:
        """AUTH PLAIN (RFC 4616), else LOGIN, which is nobody's standard and everybody's custom."""
        offered = self._offers.get("AUTH", "").upper().split()
        username, password = credentials.username, credentials.password
        if "PLAIN" in offered:
            await self._say_secretly("AUTH PLAIN " + _base64(f"\0{username}\0{password}"), "235")
        elif "LOGIN" in offered:
            await self._say_secretly("AUTH LOGIN", "334")
            await self._say_secretly(_base64(username), "334")
            await self._say_secretly(_base64(password), "235")
        else:
            raise self._stop(None, "the server offers neither AUTH PLAIN nor AUTH LOGIN")

    async def _say_secretly(self, command: str, wanted: str) -> None:
        """A server may repeat what it was told, and a refusal is stored, logged and shown: its words are dropped."""
        try:
            await self._ask(command, wanted)
        except Stopped as stopped:
            ours = "login refused" if stopped.code is not None else stopped.text.partition(": ")[0]
            raise self._stop(stopped.code, ours) from None

    def _parameters(self, mail: Mail) -> str:
        size = f" SIZE={len(mail.content)}" if "SIZE" in self._offers else ""
        return size + (" BODY=8BITMIME SMTPUTF8" if mail.envelope.utf8 and "SMTPUTF8" in self._offers else "")

    def _check_utf8(self, envelope: Envelope) -> None:
        """RFC 6531 §3.2: what the server does not offer is not tried; the code is what a server would answer (§3.5)."""
        if envelope.utf8 and "SMTPUTF8" not in self._offers:
            raise self._stop(553, "5.6.7 this e-mail address needs SMTPUTF8, which the server does not offer")

    async def _check_unanswered(self) -> None:
        """A server that speaks before the mail is complete will not take it."""
        if not self._wire.is_quiet:
            answer = await self._answer("", self._limits.block)
            raise self._stop(answer.code, answer.text)

    async def _ask(self, command: str, wanted: str, limit: float | None = None) -> Answer:
        """Send a command and read its reply, whose code must begin with ``wanted``."""
        await self._send(f"{command}\r\n".encode(), self._limits.command)
        return await self._answer(wanted, self._limits.command if limit is None else limit)

    async def _send(self, data: bytes, limit: float) -> None:
        try:
            await self._wire.send(data, limit)
        except Lost as error:
            raise self._stop(None, str(error)) from error

    async def _answer(self, wanted: str, limit: float) -> Answer:
        try:
            answer = await self._wire.answer(limit)
        except Lost as error:
            raise self._stop(None, str(error)) from error
        if not str(answer.code).startswith(wanted):
            raise self._stop(answer.code, answer.text)
        return answer

    def _stop(self, code: int | None, text: str) -> Stopped:
        stopped = Stopped(self.phase, code, text)
        self._over = self._over or stopped.ends_session
        return stopped


async def _dial(relay: SmtpUrl, limits: TimeLimits, context: ssl.SSLContext) -> Wire:
    implicit = relay.tls is Tls.IMPLICIT
    try:
        async with asyncio.timeout(limits.connect):
            _, wire = await asyncio.get_running_loop().create_connection(
                Wire, relay.host, relay.port, ssl=context if implicit else None
            )
    except OSError as error:
        reason = str(error) or f"no answer within {limits.connect:g} s"
        raise Stopped(Phase.SETUP, None, f"no connection to {relay.host}:{relay.port}: {reason}") from error
    return wire


def _literal(network_address: str) -> str:
    """How a client without a name of its own calls itself (RFC 5321 §4.1.3)."""
    version = ip_address(network_address.partition("%")[0]).version
    return f"[{network_address}]" if version == 4 else f"[IPv6:{network_address}]"


def _read_offers(text: str) -> Mapping[str, str]:
    """The extensions of an EHLO reply, by keyword, with their parameters; its first line is a greeting."""
    lines = (line.partition(" ") for line in text.split("\n")[1:])
    return MappingProxyType({keyword.upper(): parameters for keyword, _, parameters in lines})


def _stuffed(content: bytes) -> bytes:
    """A second dot before each line that begins with one (RFC 5321 §4.5.2)."""
    return content.replace(b"\r\n.", b"\r\n..")


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
