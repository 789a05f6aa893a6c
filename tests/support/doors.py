"""A door whose clock stands still until it is moved, and the answer to its challenges."""

from datetime import UTC, datetime, timedelta
from itertools import count

from adapters_http.doors import Door
from adapters_system.clock import SystemClock
from adapters_system.proof_of_work import ProofOfWork, solves
from zero2prod.testing.builders import KEYS
from zero2prod_core.domain.challenges import Challenged
from zero2prod_core.ports.system import Clock


class StandingClock(Clock):
    def __init__(self) -> None:
        self._now = datetime(2026, 11, 22, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._now.timestamp()

    def forward(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


def door(whom: Challenged = Challenged.SUSPICIOUS, clock: Clock | None = None) -> Door:
    """As the service has it; by default by the machine's clock."""
    moments = clock or SystemClock()
    return Door.keyed(whom, ProofOfWork(KEYS, moments), KEYS, moments)


def solution(text: str) -> str:
    """The least number that answers the challenge."""
    return next(number for number in map(str, count()) if solves(text, number))
