"""A relay over kept SMTP connections.

Each connection is a lane of its own: it takes a parcel, offers it, has its mark granted, completes it, and reports.
"""

import asyncio
import ssl
from collections.abc import Sequence

from adapters_email.composing import Mail, compose
from adapters_email.dialogue import Session, Stopped, TimeLimits
from adapters_email.lanes import PATIENCE, Lane, Rest, at_least_one, run_lanes
from adapters_email.smtp_url import SmtpUrl
from zero2prod_core.domain.deliveries import Outcome, Reply, Scope, SenderFault, Throttled
from zero2prod_core.domain.replies import Phase
from zero2prod_core.errors import Defect
from zero2prod_core.ports.mailer import Desk, Mailer, Parcel

__all__ = ["SmtpMailer"]

IDLE = 60.0
"""Seconds without a mail after which a connection is closed: servers close theirs after 5 minutes, many sooner."""


class SmtpMailer(Mailer):
    """Sends over ``connections`` lanes. With two or more, the first is for urgent parcels alone.

    Args:
        relay: where to.
        connections: lanes, at least one; each opens its connection with its first mail and keeps it.
        time_limit: the longest wait for any step, in seconds; the steps' own limits are RFC 5321's.
        context: which certificates to believe; by default the system's.
    """

    def __init__(
        self,
        relay: SmtpUrl,
        *,
        connections: int = 4,
        time_limit: float = PATIENCE,
        context: ssl.SSLContext | None = None,
        idle: float = IDLE,
    ) -> None:
        self._relay = relay
        self._connections = at_least_one(connections, "connection")
        self._limits = TimeLimits.capped(time_limit)
        self._context = context or ssl.create_default_context()
        self._idle = idle

    async def run(self, desk: Desk) -> None:
        gate = _Gate(self._relay, self._limits, self._context)
        await run_lanes(lambda urgent: _Lane(desk, gate, urgent=urgent, idle=self._idle), self._connections)


class _Gate:
    """Opens sessions for all lanes, and remembers for a moment that there is no use in trying."""

    def __init__(self, relay: SmtpUrl, limits: TimeLimits, context: ssl.SSLContext) -> None:
        self._relay = relay
        self._limits = limits
        self._context = context
        self.rest: Rest[Stopped] = Rest()

    async def open(self) -> Session:
        if said := self.rest.said:
            raise Stopped(said.phase, said.code, said.text)
        try:
            return await Session.open(self._relay, self._limits, self._context)
        except Stopped as stopped:
            self.rest.begin(stopped)
            raise


class _Lane(Lane):
    """One kept connection."""

    def __init__(self, desk: Desk, gate: _Gate, *, urgent: bool, idle: float) -> None:
        super().__init__(desk, urgent=urgent, idle=idle)
        self._gate = gate
        self._session: Session | None = None

    async def handle(self, parcels: Sequence[Parcel]) -> None:
        for parcel in parcels:
            await self._handle(parcel)

    async def hang_up(self) -> None:
        session, self._session = self._session, None
        if session:
            await session.quit()

    def drop(self) -> None:
        session, self._session = self._session, None
        if session:
            session.abort()

    async def _handle(self, parcel: Parcel) -> None:
        """Try one parcel, and have its report due."""
        try:
            outcome = await self._try(parcel)
        except Stopped as stopped:
            outcome = stopped.outcome
            if isinstance(outcome, Throttled) and outcome.scope is Scope.RELAY:
                self._gate.rest.begin(stopped)
        except (OSError, TypeError, ValueError) as error:
            # What nobody foresaw may befall one mail; it must not take the other lanes with it.
            phase = self._session.phase if self._session else Phase.SETUP
            outcome = Stopped(phase, None, f"{type(error).__name__} while sending").outcome
            self.drop()
        if outcome:
            self.due.append(parcel.report(outcome))

    async def _try(self, parcel: Parcel) -> Outcome | None:
        """What came of it; None if the mark was refused."""
        try:
            mail = compose(parcel)
        except Defect as error:
            return SenderFault(Reply.of(None, str(error)))
        session = await self._offer(mail)
        if not all(await self.settle([parcel.mark])):
            return None
        return await self._complete(session, parcel, mail)

    async def _offer(self, mail: Mail) -> Session:
        """Offer the mail over the kept connection, and if that has come to its end over a new one."""
        kept = self._kept()
        if kept:
            try:
                await kept.offer(mail)
            except Stopped as stopped:
                if stopped.phase is not Phase.SETUP or not stopped.ends_session:
                    raise
            else:
                return kept
        await self.settle()
        self.drop()
        self._session = await self._gate.open()
        await self._session.offer(mail)
        return self._session

    def _kept(self) -> Session | None:
        return self._session if self._session and self._session.is_ready else None

    async def _complete(self, session: Session, parcel: Parcel, mail: Mail) -> Outcome:
        try:
            return await session.complete(mail)
        except asyncio.CancelledError:
            stopped = Stopped(session.phase, None, "sending was stopped before the server answered")
            self.due.append(parcel.report(stopped.outcome))
            raise
