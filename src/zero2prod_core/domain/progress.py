"""How far an issue is, how fast its mails go, and how long the rest takes."""

from collections.abc import Mapping
from datetime import timedelta
from itertools import dropwhile
from types import MappingProxyType

import attrs

from zero2prod_core.domain.deliveries import UNFINISHED, DeliveryState

WINDOW = 30.0
"""Seconds over which a rate is taken: long enough to smooth the batches of claims, short enough to show a change."""

STANDSTILL = 10.0
"""Seconds without a mail after which the rate begins anew, as after an outage."""

MISSED = 10
"""Mails that would have gone meanwhile at the rate before: an issue that goes slowly is none that stood still."""

TRIED = frozenset({DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.UNCERTAIN})
"""What a mail was made and offered for; suppressing or cancelling a thousand rows says nothing about speed."""

LONGEST_WAIT = timedelta(days=30)
"""An estimate beyond it is none: at such a rate most mails are given up before their turn comes."""

LOOK_EVERY = 1.0
"""Seconds between two looks at an issue that a person watches: what is seen as going on."""

LOOKING_SHARE = 0.1
"""Of the time at most that is spent on looking: counting a million rows takes a store a while."""


def rest_after(took: float, *, every: float = LOOK_EVERY, share: float = LOOKING_SHARE) -> float:
    """Seconds until the next look, after one that took so many."""
    return max(every, took / share - took)


@attrs.frozen
class Standing:
    """Mails of an issue, counted: ``total`` is its audience, ``left`` of them are unfinished, ``tried`` were offered to
    the relay.
    """

    total: int
    left: int
    tried: int

    @classmethod
    def of(cls, sums: Mapping[DeliveryState, int]) -> "Standing":
        def count(states: frozenset[DeliveryState]) -> int:
            return sum(sums.get(state, 0) for state in states)

        return cls(sum(sums.values()), count(UNFINISHED), count(TRIED))

    @property
    def done(self) -> int:
        return self.total - self.left

    @property
    def percent(self) -> int:
        """Rounded down, so that 100 means all; all of none is 100 too."""
        return 100 * self.done // self.total if self.total else 100


@attrs.frozen
class Sample:
    """``tried`` mails at an instant, in seconds of any clock that only goes forward."""

    at: float
    tried: int


@attrs.frozen
class Speedometer:
    """How fast an issue's mails go: the looks at it within the last `WINDOW`, and one that lies just before it."""

    samples: tuple[Sample, ...] = ()

    def seen(self, at: float, tried: int, *, sending: bool = True) -> "Speedometer":
        """With one more look. Where the issue does not send, or goes on after a standstill, what was seen until then
        says nothing; nor where fewer mails were tried than before: they are being sent again.
        """
        if not sending:
            return Speedometer()
        if self.samples and (tried < self.samples[-1].tried or (tried > self.samples[-1].tried and self._stood_still)):
            return Speedometer((Sample(at, tried),))
        within = tuple(dropwhile(lambda sample: sample.at < at - WINDOW, self.samples))
        edge = self.samples[-len(within) - 1 : len(self.samples) - len(within)]
        return Speedometer((*edge, *within, Sample(at, tried)))

    @property
    def _stood_still(self) -> bool:
        """Whether nothing moved for a while until the last look, by the rate before that."""
        first, last = self.samples[0], self.samples[-1]
        still = next(sample for sample in self.samples if sample.tried == last.tried)
        went, stood = still.at - first.at, last.at - still.at
        return stood >= STANDSTILL and (last.tried - first.tried) * stood >= MISSED * went

    @property
    def rate(self) -> float | None:
        """Mails per second, None until there were two looks."""
        if not self.samples:
            return None
        first, last = self.samples[0], self.samples[-1]
        return (last.tried - first.tried) / (last.at - first.at) if last.at > first.at else None


def remaining(left: int, rate: float | None) -> timedelta | None:
    """How long ``left`` mails take at this rate; None where nobody can say."""
    if not left:
        return timedelta(0)
    if not rate or left / rate > LONGEST_WAIT.total_seconds():
        return None
    return timedelta(seconds=left / rate)


def rate_in_words(rate: float | None) -> str:
    """Such as ``1,250 mails/s`` or ``2.5 mails/min``; nothing where there is no rate yet."""
    if rate is None:
        return ""
    if rate and rate < 1:
        return f"{rate * 60:.1f} mails/min"
    return f"{rate:,.1f} mails/s" if rate and rate < 10 else f"{rate:,.0f} mails/s"


def time_in_words(time: timedelta | None) -> str:
    """Its two largest units, such as ``2 h 5 min``; nothing where nobody can say."""
    if time is None:
        return ""
    left = max(0, round(time.total_seconds()))
    parts = []
    for name, seconds in _UNITS.items():
        count, left = divmod(left, seconds)
        parts.append((count, name))
    first = next((place for place, (count, _) in enumerate(parts) if count), len(parts) - 1)
    return " ".join(f"{count} {name}" for count, name in parts[first : first + 2] if count or first == len(parts) - 1)


_UNITS: Mapping[str, int] = MappingProxyType({"d": 86400, "h": 3600, "min": 60, "s": 1})
