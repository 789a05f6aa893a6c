"""A relay over kept SMTP connections.

Each connection is a lane of its own. The order of things on it, which no way of sending changes:

1. Mail n is complete on the wire, and its answer is awaited. Meanwhile the next parcel is taken and composed, and where
   mails are signed, signed.
2. The answer has come. The report of n and the mark of n + 1 go to the desk in one `settle`, and are waited for. So n
   is committed before n + 1 can be complete, and the mark of n + 1 before its last bytes leave.
3. Mail n + 1 is completed.

With PIPELINING the end of n leaves in one write with MAIL, RCPT and DATA of n + 1, and the wait for its 354 is over by
the time that the desk has answered. With CHUNKING nothing of n + 1 is said before its mark is granted, since its chunk
completes it. Either way a mail costs one round trip to the relay and one to the desk. The first mail of a connection
has nobody before it: its mark is asked for while MAIL, RCPT and DATA are under way.

A refused mark leaves a DATA that must not be answered, which only closing the connection does. Where one was refused
the next may be too (an issue was paused, say), so until one is granted marks are asked for before anything is offered.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

import attrs

from adapters_email.composing import Mail, compose
from adapters_email.dialogue import Session, Stopped, TimeLimits, Way
from adapters_email.exchange import Attempt
from adapters_email.lanes import PATIENCE, Lane, Rest, at_least_one, run_lanes
from adapters_email.preparing import Preparing
from adapters_email.smtp_url import SmtpUrl
from adapters_email.waits import Waits
from zero2prod_core.domain.deliveries import Outcome, Reply, Scope, SenderFault, Throttled
from zero2prod_core.domain.replies import Phase
from zero2prod_core.errors import Defect
from zero2prod_core.ports.mailer import Desk, Mailer, Parcel

__all__ = ["Finish", "SmtpMailer"]

IDLE = 60.0
"""Seconds without a mail after which a connection is closed: servers close theirs after 5 minutes, many sooner."""

Finish: TypeAlias = Callable[[Mail], Awaitable[Mail]]
"""The last step of making a mail, a signature for instance; it may raise `Defect`."""

UNFORESEEN = (OSError, TypeError, ValueError)
"""What nobody foresaw may befall one mail; it must not take the other lanes with it."""


class SmtpMailer(Mailer):
    """Sends over ``connections`` lanes. With two or more, the first is for urgent parcels alone.

    Args:
        relay: where to.
        connections: lanes, at least one; each opens its connection with its first mail and keeps it.
        time_limit: the longest wait for any step, in seconds; the steps' own limits are RFC 5321's.
        context: which certificates to believe; by default the system's.
        idle: seconds without a mail after which a lane lets go of its connection.
        finish: passes each composed mail before it is offered.
        most_advanced: how much is said before the server has answered, if it offers as much.

    ``waits`` is how long the relay has taken for each step.
    """

    def __init__(
        self,
        relay: SmtpUrl,
        *,
        connections: int = 4,
        time_limit: float = PATIENCE,
        context: ssl.SSLContext | None = None,
        idle: float = IDLE,
        finish: Finish | None = None,
        most_advanced: Way = Way.CHUNKING,
    ) -> None:
        self._connections = at_least_one(connections, "connection")
        limits = TimeLimits.capped(time_limit)
        context = context or ssl.create_default_context()
        self.waits = Waits()
        self._open = lambda: Session.open(relay, limits, context, most_advanced, self.waits)
        self._idle = idle
        self._finish = finish

    async def run(self, desk: Desk) -> None:
        gate = _Gate(self._open)
        async with Preparing() as prepare:
            await run_lanes(
                lambda urgent: _Lane(desk, gate, _Making(prepare, self._finish), urgent=urgent, idle=self._idle),
                self._connections,
            )


class _Gate:
    """Opens sessions for all lanes, and remembers for a moment that there is no use in trying."""

    def __init__(self, open_: Callable[[], Awaitable[Session]]) -> None:
        self._open = open_
        self._rest: Rest[Stopped] = Rest()

    async def open(self) -> Session:
        if said := self._rest.said:
            raise Stopped(said.phase, said.code, said.text)
        try:
            return await self._open()
        except Stopped as stopped:
            self._rest.begin(stopped)
            raise

    def note(self, stopped: Stopped) -> None:
        """Rest if the relay itself takes nothing."""
        outcome = stopped.outcome
        if isinstance(outcome, Throttled) and outcome.scope is Scope.RELAY:
            self._rest.begin(stopped)


@attrs.frozen
class _Making:
    """From a parcel to its mail in its final form."""

    prepare: Preparing
    finish: Finish | None

    async def __call__(self, parcel: Parcel) -> Mail:
        await self.prepare(parcel)
        mail = compose(parcel)
        return await self.finish(mail) if self.finish else mail


@attrs.define(eq=False)
class _Load:
    """A parcel with its mail. ``attempt`` is there once it was offered."""

    parcel: Parcel
    mail: Mail
    attempt: Attempt | None = None
    is_marked: bool = False


class _Lane(Lane):
    """One kept connection.

    ``_loads`` are those that follow the one under way: the first may be offered already, the last is not.
    """

    def __init__(self, desk: Desk, gate: _Gate, making: _Making, *, urgent: bool, idle: float) -> None:
        super().__init__(desk, urgent=urgent, idle=idle)
        self._gate = gate
        self._making = making
        self._session: Session | None = None
        self._loads: deque[_Load] = deque()
        self._is_wary = False

    async def handle(self, parcels: Sequence[Parcel]) -> None:
        await self._load(parcels)
        while self._loads:
            await self._deliver(self._loads.popleft())
            if len(self.due) > self._most:
                await self.settle()

    async def hang_up(self) -> None:
        session, self._session = self._session, None
        if session:
            await session.quit()

    def drop(self) -> None:
        session, self._session = self._session, None
        if session:
            session.abort()

    async def _load(self, parcels: Sequence[Parcel]) -> None:
        """Make the mails, and put them in line."""
        for parcel in parcels:
            try:
                self._loads.append(_Load(parcel, await self._making(parcel)))
            except Defect as error:
                self.due.append(parcel.report(SenderFault(Reply.of(None, str(error)))))
            except UNFORESEEN as error:
                self.due.append(parcel.report(_unforeseen(Phase.SETUP, error).outcome))

    async def _look_ahead(self) -> None:
        """Have a mail ready that was not offered yet, if there is a parcel for it."""
        if not self._loads or self._loads[-1].attempt:
            await self._load(self.take_now())

    async def _deliver(self, load: _Load) -> None:
        """Bring one mail to its end, and have its report due."""
        try:
            outcome = await self._try(load)
        except Stopped as stopped:
            self._gate.note(stopped)
            outcome = stopped.outcome
        except asyncio.CancelledError:
            self._give_up(load)
            raise
        except UNFORESEEN as error:
            outcome = _unforeseen(load.attempt.phase if load.attempt else Phase.SETUP, error).outcome
            self.drop()
        if outcome:
            self.due.append(load.parcel.report(outcome))

    async def _try(self, load: _Load) -> Outcome | None:
        """Try it over the kept connection, and if that has come to its end over a new one.

        What came of it; None if the mark was refused.
        """
        if self._is_wary and not await self._is_granted(load):
            return None
        if kept := self._kept(load):
            try:
                return await self._try_over(kept, load)
            except Stopped as stopped:
                if stopped.phase is not Phase.SETUP or not stopped.ends_session:
                    raise
        load.attempt = None
        self.drop()
        await self.settle()
        self._session = await self._gate.open()
        return await self._try_over(self._session, load)

    def _kept(self, load: _Load) -> Session | None:
        """The session, if this mail was offered over it or can be."""
        session = self._session
        return session if session and (load.attempt or session.is_ready) else None

    async def _try_over(self, session: Session, load: _Load) -> Outcome | None:
        attempt = load.attempt
        if attempt is None:
            attempt = load.attempt = await session.offer(load.mail)
            if session.way is Way.PIPELINING:
                await self._look_ahead()
        if not attempt.stopped and not await self._is_granted(load):
            session.withdraw()
            return None
        await session.go_ahead(attempt)
        await self._complete(session, attempt)
        return await session.result(attempt)

    async def _complete(self, session: Session, attempt: Attempt) -> None:
        """Send the mail, with the offer of the next where that may be, and use the wait for making another."""
        following = self._loads[0] if self._loads else None
        offered = await session.complete(attempt, following.mail if following else None)
        if following and offered:
            following.attempt = offered
        await self._look_ahead()

    async def _is_granted(self, load: _Load) -> bool:
        """Have the mark, and with it what is due."""
        if not load.is_marked:
            [load.is_marked] = await self.settle((load.parcel.mark,))
            self._is_wary = not load.is_marked
        return load.is_marked

    def _give_up(self, load: _Load) -> None:
        """Sending was cancelled: what was marked gets a report, the only one that it will have."""
        attempt = load.attempt
        if not (load.is_marked and attempt):
            return
        attempt.lose("sending was stopped before the server answered")
        # What the operating system has not taken yet must not follow behind a report that says it did not.
        self.drop()
        self.due.append(load.parcel.report(attempt.outcome))


def _unforeseen(phase: Phase, error: Exception) -> Stopped:
    return Stopped(phase, None, f"{type(error).__name__} while sending")
