"""How long a mail server lets us wait, by the step that it was to answer.

Replies that arrive together have been waited for together, since we last wrote or last heard something, whichever came
later. So with PIPELINING each command of one write counts with the time until its own reply could be read, which is
what it takes to get past it. A mail has three to five replies, mostly in one or two bursts, and a burst costs half a
microsecond.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final

from zero2prod_core.ports.telemetry import Distribution, Reading

__all__ = ["StepName", "Waits"]

# Seconds. A relay on this machine answers within the first; a mail that is written to a disk takes some milliseconds;
# greylisting and tarpits are where the last ones are.
BOUNDS: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60)


class StepName(StrEnum):
    """What the server was to answer; ``CONNECT`` and ``TLS`` are no replies of SMTP."""

    CONNECT = "connect"
    GREETING = "greeting"
    EHLO = "ehlo"
    STARTTLS = "starttls"
    TLS = "tls"
    AUTH = "auth"
    RSET = "rset"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    END = "end"
    QUIT = "quit"


class Waits:
    """Of all connections that one mailer has had."""

    def __init__(self) -> None:
        self._by_step = {name: Distribution(BOUNDS) for name in StepName}

    def note(self, steps: Sequence[StepName], seconds: float) -> None:
        """These were answered at once, after so long."""
        place = bisect_left(BOUNDS, seconds)
        for step in steps:
            distribution = self._by_step[step]
            distribution.counts[place] += 1
            distribution.total += seconds

    def readings(self) -> Iterable[Reading]:
        for name, distribution in self._by_step.items():
            yield Reading("smtp_wait", distribution, {"step": name.value})
