"""Slow and hostile clients: deadlines and numbers of connections, in front of aiohttp, which has none of its own.

Whoever is let in is never refused for the sake of the slow: where there is no room, those give way who keep us waiting.
So slow clients, however many, only ever displace each other and the idle, and everybody who sends a request and reads
its answer without delay is served. A newcomer is refused only where all others wait for us.
"""

import asyncio
import heapq
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from enum import IntEnum, auto
from typing import Final, TypeAlias

import structlog

from adapters_http.connections import TOO_SLOW, Connection, GuardLimits, Reason
from adapters_http.lateness import PatientClock
from adapters_http.middleware.network_addresses import Network, is_trusted
from zero2prod_core.ports.telemetry import SILENT, Telemetry

__all__ = ["Guard"]

# Seconds between two looks at all connections, each of which takes about half a microsecond.
LOOKS_EVERY: Final = 1.0

# Looks within the shortest deadline: it is then overrun by a quarter at most.
LOOKS: Final = 4

# Where there is no room, this part of the connections is closed at once, so that not every newcomer of a flood costs a
# look at all of them.
GIVE_WAY: Final = 50

# Seconds. Who has just come, and is still sending a head or a body, is not slow: over a line around the world a request
# takes less.
YOUNG: Final = 2.0

# Seconds. Under attack, thousands are closed each second; one line in the log says so.
TELLS_EVERY: Final = 60.0

# In the order in which they came, which decides between two of the same instant: a loop's clock may count milliseconds.
Crowd: TypeAlias = dict[Connection, None]

log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


class Turn(IntEnum):
    """In which order connections give way."""

    SLOW = auto()
    IDLE = auto()
    YOUNG = auto()


def _turn(connection: Connection, waited: float) -> Turn:
    if connection.is_idle:
        return Turn.IDLE
    return Turn.YOUNG if waited < YOUNG else Turn.SLOW


class Guard:
    """Makes the protocol of each connection: a factory for ``loop.create_server``.

    Counts ``connections_dropped`` by `Reason`, and who was not let in as ``network_refused``, ``site_refused`` and
    ``total_refused``.

    Deadlines count only time in which the connections were looked at, so that nobody is blamed for a loop that is late.

    Args:
        behind: makes the protocol that reads and answers, such as ``AppRunner.server``.
        trusted: proxies, through which all visitors come: no limit per network or site for them.
        clock: seconds as they pass; the loop's own where None is given.
    """

    def __init__(
        self,
        behind: Callable[[], asyncio.Protocol],
        limits: GuardLimits,
        trusted: Sequence[Network] = (),
        telemetry: Telemetry = SILENT,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.limits = limits
        self._behind = behind
        self._trusted = trusted
        self._telemetry = telemetry
        self._loop = asyncio.get_running_loop()
        self._inside: Crowd = {}
        self._leaving: Crowd = {}
        self._places: dict[str, Crowd] = {}
        self._pause = min(LOOKS_EVERY, min(limits.head, limits.body, limits.reading, limits.idle) / LOOKS)
        self._clock = PatientClock(clock or self._loop.time, self._pause)
        self._looks = False
        self._untold: Counter[str] = Counter()
        self._told_at = -TELLS_EVERY

    def __call__(self) -> Connection:
        return Connection(self, self._behind)

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._inside)

    def now(self) -> float:
        return self._clock()

    def let_in(self, connection: Connection) -> bool:
        network, site = self._counted_at(connection)
        for among, most, reason in (
            (self._crowd(network), self.limits.connections_per_network, Reason.NETWORK),
            (self._crowd(site), self.limits.connections_per_site, Reason.SITE),
            (self._inside, self.limits.connections, Reason.TOTAL),
        ):
            if len(among) >= most and not self._make_room(among, reason):
                self._note(f"{reason.value}_refused")
                self._leave(connection)
                return False
        self._inside[connection] = None
        for place in filter(None, (network, site)):
            self._places.setdefault(place, {})[connection] = None
        self._keep_looking()
        return True

    def _counted_at(self, connection: Connection) -> tuple[str | None, str | None]:
        """Its network and its site, unless it is a proxy's."""
        if self._trusted and is_trusted(connection.peer, self._trusted):
            return None, None
        return connection.network, connection.site

    def _crowd(self, place: str | None) -> Crowd:
        return self._places.get(place, {}) if place else {}

    def _make_room(self, among: Collection[Connection], reason: Reason) -> bool:
        """Close who has kept us waiting longest: first the slow, then the idle, and the young only for lack of both."""
        now = self.now()
        waiting = (
            (_turn(connection, now - since), since, number, connection)
            for number, connection in enumerate(among)
            if (since := connection.waits_since) is not None
        )
        chosen = heapq.nsmallest(max(1, len(among) // GIVE_WAY), waiting)
        for turn, *_, connection in chosen:
            if turn is chosen[0][0]:
                self.close(connection, reason)
        return bool(chosen)

    def close(self, connection: Connection, reason: Reason, last_words: bytes = b"") -> None:
        if reason is not Reason.IDLE:
            self._note(reason.value)
        self._leave(connection)
        connection.leave(last_words)

    def gone(self, connection: Connection) -> None:
        self._forget(connection)
        self._leaving.pop(connection, None)

    def _leave(self, connection: Connection) -> None:
        """It counts no more, but is looked at until it is gone: its last words may never be read."""
        self._forget(connection)
        self._leaving[connection] = None
        self._keep_looking()

    def _forget(self, connection: Connection) -> None:
        self._inside.pop(connection, None)
        for place in filter(None, (connection.network, connection.site)):
            if neighbours := self._places.get(place):
                neighbours.pop(connection, None)
                if not neighbours:
                    del self._places[place]

    def _keep_looking(self) -> None:
        if not self._looks:
            self._looks = True
            self._clock.look()  # nobody has looked while nobody was here
            self._loop.call_later(self._pause, self._look_on)

    def _look_on(self) -> None:
        self._looks = False
        self.look()
        if self._inside or self._leaving:
            self._keep_looking()

    def look(self) -> None:
        """Close whoever has missed a deadline."""
        self._clock.look()
        for connection in [*self._inside]:
            if reason := connection.overdue():
                self.close(connection, reason, TOO_SLOW if reason is Reason.HEAD and connection.has_begun else b"")
        for connection in [*self._leaving]:
            if connection.overdue():
                connection.leave()
        self._tell()

    def _note(self, reason: str) -> None:
        self._telemetry.count("connections_dropped", reason=reason)
        self._untold[reason] += 1

    def _tell(self) -> None:
        now = self._loop.time()
        if self._untold and now - self._told_at >= TELLS_EVERY:
            log.warning("connections_dropped", open=self.connections, reasons=dict(self._untold))
            self._told_at = now
            self._untold.clear()
