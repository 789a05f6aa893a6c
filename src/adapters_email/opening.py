"""From nothing to a session that is ready for mails: connect, EHLO, STARTTLS, AUTH."""

import asyncio
import base64
import re
import ssl
from collections.abc import Mapping
from ipaddress import ip_address
from types import MappingProxyType

import attrs

from adapters_email.exchange import OK, SURPLUS, Question, Step, Stopped
from adapters_email.smtp_replies import Answer
from adapters_email.smtp_url import Credentials, SmtpUrl, Tls
from adapters_email.waits import StepName, Waits
from adapters_email.wire import Lost, TimeLimits, Wire
from zero2prod_core.domain.replies import Phase

__all__ = ["Offers", "ask", "open_wire"]


@attrs.frozen
class Offers:
    """What a server offers. ``extensions`` has the parameters of each, by keyword in capitals (RFC 5321 §4.1.1.1).

    ``largest`` is the size of a mail in bytes that it takes at most; 0 where it did not say (RFC 1870 §3).
    """

    extensions: Mapping[str, str]
    size: bool
    largest: int
    utf8: bool
    eight_bit: bool

    @classmethod
    def read(cls, text: str) -> "Offers":
        """Those of an EHLO reply, whose first line is a greeting."""
        lines = (line.partition(" ") for line in text.split("\n")[1:])
        extensions = MappingProxyType({keyword.upper(): parameters for keyword, _, parameters in lines})
        size = extensions.get("SIZE", "")
        return cls(
            extensions,
            "SIZE" in extensions,
            int(size) if DIGITS.fullmatch(size) else 0,
            "SMTPUTF8" in extensions,
            "8BITMIME" in extensions,
        )


DIGITS = re.compile(r"[0-9]{1,20}")
"""RFC 1870 §3's own bound."""

GREETING = Step(StepName.GREETING, Phase.SETUP, range(220, 221), "greeting")
EHLO = Step(StepName.EHLO, Phase.SETUP, range(250, 251))
STARTTLS = Step(StepName.STARTTLS, Phase.SETUP, range(220, 221))
CHALLENGE = Step(StepName.AUTH, Phase.SETUP, range(334, 335))
LOGGED_IN = Step(StepName.AUTH, Phase.SETUP, range(235, 236))
QUIT = Step(StepName.QUIT, Phase.SETUP, OK)


async def open_wire(relay: SmtpUrl, limits: TimeLimits, context: ssl.SSLContext, waits: Waits) -> tuple[Wire, Offers]:
    """Connect, encrypt and log in.

    Raises:
        Stopped: in phase SETUP.
    """
    greeting = Question()
    wire = await _dial(relay, limits, context, waits, greeting)
    try:
        await _heard(wire, greeting)
        offers = await _greet(wire)
        if relay.tls is Tls.STARTTLS:
            offers = await _encrypt(wire, offers, relay.host, context)
        if relay.credentials:
            await _log_in(wire, offers, relay.credentials)
    except BaseException:
        wire.abort()
        raise
    return wire, offers


async def ask(wire: Wire, command: str, step: Step) -> Answer:
    """Send one command, and wait for its reply.

    Raises:
        Stopped: it is not what is wanted, or does not come.
    """
    question = Question()
    wire.ask(f"{command}\r\n".encode(), question, step)
    return await _heard(wire, question)


async def _heard(wire: Wire, question: Question) -> Answer:
    await wire.until(question.is_answered)
    if question.answer is None:
        raise question.stopped or _failed("there was no answer")
    return question.answer


async def _dial(relay: SmtpUrl, limits: TimeLimits, context: ssl.SSLContext, waits: Waits, greeting: Question) -> Wire:
    """The server speaks first, maybe before anybody here could wait for it."""

    def make() -> Wire:
        wire = Wire(limits, waits)
        wire.exchange.expect(greeting, GREETING)
        return wire

    loop, implicit = asyncio.get_running_loop(), relay.tls is Tls.IMPLICIT
    started = loop.time()
    try:
        async with asyncio.timeout(limits.connect):
            _, wire = await loop.create_connection(make, relay.host, relay.port, ssl=context if implicit else None)
        waits.note([StepName.CONNECT], loop.time() - started)
    except OSError as error:
        reason = str(error) or f"no answer within {limits.connect:g} s"
        raise _failed(f"no connection to {relay.host}:{relay.port}: {reason}") from error
    return wire


async def _greet(wire: Wire) -> Offers:
    answer = await ask(wire, f"EHLO {_literal(wire.own_address)}", EHLO)
    return Offers.read(answer.text)


async def _encrypt(wire: Wire, offers: Offers, host: str, context: ssl.SSLContext) -> Offers:
    """What the server offers then; what it said before may have been anybody's (RFC 3207 §4.2)."""
    if "STARTTLS" not in offers.extensions:
        raise _failed("the server does not offer STARTTLS")
    await ask(wire, "STARTTLS", STARTTLS)
    try:
        await wire.encrypt(context, host)
    except Lost as error:
        raise _failed(str(error)) from error
    return await _greet(wire)


async def _log_in(wire: Wire, offers: Offers, credentials: Credentials) -> None:
    """AUTH PLAIN (RFC 4616), else LOGIN, which is nobody's standard and everybody's custom."""
    offered = offers.extensions.get("AUTH", "").upper().split()
    username, password = credentials.username, credentials.password
    if "PLAIN" in offered:
        await _say_secretly(wire, "AUTH PLAIN " + _base64(f"\0{username}\0{password}"), LOGGED_IN)
    elif "LOGIN" in offered:
        await _say_secretly(wire, "AUTH LOGIN", CHALLENGE)
        await _say_secretly(wire, _base64(username), CHALLENGE)
        await _say_secretly(wire, _base64(password), LOGGED_IN)
    else:
        raise _failed("the server offers neither AUTH PLAIN nor AUTH LOGIN")
    if not wire.exchange.is_quiet:
        # What else it said may have the password in it, and would be quoted with the first mail.
        raise _failed(SURPLUS)


async def _say_secretly(wire: Wire, command: str, step: Step) -> None:
    """A server may repeat what it was told, and a refusal is stored, logged and shown: its words are dropped."""
    try:
        await ask(wire, command, step)
    except Stopped as stopped:
        ours = "login refused" if stopped.code is not None else stopped.text.partition(": ")[0]
        raise Stopped(Phase.SETUP, stopped.code, ours) from None


def _failed(reason: str) -> Stopped:
    return Stopped(Phase.SETUP, None, reason)


def _literal(network_address: str) -> str:
    """How a client without a name of its own calls itself (RFC 5321 §4.1.3)."""
    version = ip_address(network_address.partition("%")[0]).version
    return f"[{network_address}]" if version == 4 else f"[IPv6:{network_address}]"


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
