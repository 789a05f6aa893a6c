"""SMTP as a client speaks it (RFC 5321): mail after mail over one connection, in as few round trips as may be.

There are three ways, and who drives a session does the same in each: `offer`, have the mark granted, `go_ahead`,
`complete`, `result`. Only `complete` lets go of the bytes that complete a mail.

=========== ================= ============================= =========== ====================================
way         offer             go_ahead                      complete    round trips
=========== ================= ============================= =========== ====================================
STEPS       MAIL, then RCPT   DATA                          the mail    four
PIPELINING  MAIL, RCPT, DATA  only waits for the replies    the mail    one: the end of a mail and the offer
                                                                        of the next leave in one write
CHUNKING    says nothing      says nothing                  everything  one
=========== ================= ============================= =========== ====================================
"""

import asyncio
import ssl
from contextlib import suppress
from enum import IntEnum
from typing import Self

from adapters_email.composing import Mail
from adapters_email.exchange import DATA, END, MAIL, RCPT, RESET, Attempt, Step, Stopped
from adapters_email.opening import QUIT, Offers, ask, open_wire
from adapters_email.smtp_commands import END_OF_DATA, chunk, mail_from, objection, on_the_wire, rcpt_to, stuffed
from adapters_email.smtp_url import SmtpUrl
from adapters_email.waits import Waits
from adapters_email.wire import TimeLimits, Wire
from zero2prod_core.domain.deliveries import Outcome
from zero2prod_core.domain.replies import Phase

__all__ = ["Session", "Stopped", "TimeLimits", "Way"]

BLOCK = 262_144
"""Bytes of a mail handed over at once: the time limit of a data block is for each of them."""

RSET = b"RSET\r\n"

OPEN = frozenset({Phase.RCPT, Phase.DATA})
"""Who is refused here has a transaction open that MAIL began. After a chunk RFC 3030 §2 wants RSET in any case."""


class Way(IntEnum):
    """How much is said before the server has answered."""

    STEPS = 0
    PIPELINING = 1
    CHUNKING = 2

    @classmethod
    def offered(cls, offers: Offers) -> "Way":
        """The most advanced that the server allows. A chunk may only be sent ahead with PIPELINING (RFC 3030 §4.2)."""
        if "PIPELINING" not in offers.extensions:
            return cls.STEPS
        return cls.CHUNKING if "CHUNKING" in offers.extensions else cls.PIPELINING


class Session:
    """An SMTP session that is ready for mails."""

    def __init__(self, wire: Wire, offers: Offers, most_advanced: Way = Way.CHUNKING) -> None:
        self.way = min(most_advanced, Way.offered(offers))
        self._wire = wire
        self._exchange = wire.exchange
        self._offers = offers
        self._needs_reset = False

    @classmethod
    async def open(
        cls,
        relay: SmtpUrl,
        limits: TimeLimits,
        context: ssl.SSLContext,
        most_advanced: Way = Way.CHUNKING,
        waits: Waits | None = None,
    ) -> Self:
        """Connect, encrypt and log in.

        Raises:
            Stopped: in phase SETUP.
        """
        return cls(*await open_wire(relay, limits, context, waits or Waits()), most_advanced)

    @property
    def is_ready(self) -> bool:
        """Whether a mail can be offered now."""
        return self._exchange.is_quiet

    async def offer(self, mail: Mail) -> Attempt:
        """Begin with a mail, after a RSET where the one before was not completed.

        Raises:
            Stopped: in phase SETUP or RCPT.
        """
        if refused := objection(mail, self._offers):
            raise refused
        attempt = Attempt(mail, is_blind=self.way is Way.CHUNKING)
        needs_reset, self._needs_reset = self._needs_reset, False
        if self.way is Way.PIPELINING:
            steps = (RESET, MAIL, RCPT, DATA) if needs_reset else (MAIL, RCPT, DATA)
            self._wire.ask((RSET if needs_reset else b"") + self._offering(mail), attempt, *steps)
            return attempt
        if needs_reset:
            await self._step(attempt, RSET, RESET)
        if self.way is Way.STEPS:
            await self._step(attempt, mail_from(mail, self._offers), MAIL)
            await self._step(attempt, rcpt_to(mail), RCPT)
        return attempt

    async def go_ahead(self, attempt: Attempt) -> None:
        """Wait until the server waits for the mail.

        Raises:
            Stopped: in any phase up to BODY.
        """
        if self.way is Way.STEPS:
            await self._step(attempt, b"DATA\r\n", DATA)
        elif self.way is Way.PIPELINING:
            await self._answered(attempt)

    async def complete(self, attempt: Attempt, following: Mail | None = None) -> Attempt | None:
        """Send the mail. Once this has begun it may be sent twice, unless the server says no.

        ``following`` is offered in the same write where that may be; then its attempt is returned.

        Raises:
            Stopped: in any phase up to BODY.
        """
        if self.way is Way.CHUNKING:
            content = on_the_wire(attempt.mail)
            begin = (mail_from(attempt.mail, self._offers), rcpt_to(attempt.mail), chunk(content))
            await self._send(attempt, b"".join((*begin, content)), (MAIL, RCPT, END))
            return None
        data = stuffed(attempt.mail) + END_OF_DATA
        if following is None or self.way is Way.STEPS or len(data) > BLOCK or objection(following, self._offers):
            await self._send(attempt, data, (END,))
            return None
        return self._chain(attempt, data, following)

    async def result(self, attempt: Attempt) -> Outcome:
        """What came of a mail that was completed.

        Raises:
            Stopped: in any phase: the server refused it, or did not answer.
        """
        await self._answered(attempt)
        return attempt.outcome

    def withdraw(self) -> None:
        """Never mind the mail that was offered: after a DATA that only the connection's end can do."""
        if self.way is Way.PIPELINING:
            self.abort()
        else:
            self._needs_reset = self.way is Way.STEPS

    async def quit(self) -> None:
        """Say goodbye and close; a session that is over is just dropped."""
        if not self.is_ready:
            self.abort()
            return
        with suppress(Stopped, TimeoutError):
            async with asyncio.timeout(self._wire.limits.farewell):
                await ask(self._wire, "QUIT", QUIT)
        await self._wire.close()

    def abort(self) -> None:
        self._wire.abort()

    def _offering(self, mail: Mail) -> bytes:
        return mail_from(mail, self._offers) + rcpt_to(mail) + b"DATA\r\n"

    async def _step(self, attempt: Attempt, command: bytes, step: Step) -> None:
        self._wire.ask(command, attempt, step)
        await self._answered(attempt)

    async def _answered(self, attempt: Attempt) -> None:
        if attempt.unanswered:
            await self._wire.until(attempt.is_answered)
        if stopped := attempt.stopped:
            self._needs_reset = self.way is Way.CHUNKING or stopped.phase in OPEN
            raise stopped

    def _chain(self, attempt: Attempt, data: bytes, following: Mail) -> Attempt:
        """The end of one mail and the offer of the next."""
        data += self._offering(following)
        offered = Attempt(following)
        self._exchange.expect(attempt, END)
        self._exchange.expect(offered, MAIL, RCPT, DATA)
        if not attempt.stopped:
            attempt.phase = Phase.END
            self._wire.write(data)
        return offered

    async def _send(self, attempt: Attempt, data: bytes, steps: tuple[Step, ...]) -> None:
        """Hand the mail over, block by block. It is complete when the operating system has its last byte."""
        self._exchange.expect(attempt, *steps)
        last = (len(data) - 1) // BLOCK * BLOCK
        for start in range(0, last, BLOCK):
            self._wire.write(data[start : start + BLOCK])
            await self._wire.drained()
            self._check(attempt)
        self._check(attempt)
        attempt.phase = Phase.END
        self._wire.write(data[last:])
        if self._wire.is_held_back:
            attempt.phase = Phase.BODY
            await self._wire.drained()
            self._check(attempt)
            attempt.phase = Phase.END

    def _check(self, attempt: Attempt) -> None:
        """A server that refuses before the mail is complete will not take it."""
        if stopped := attempt.stopped:
            self.abort()
            raise stopped
