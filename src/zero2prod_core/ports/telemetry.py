from abc import abstractmethod
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol, TypeAlias

import attrs


class Telemetry(Protocol):
    """Numbers for whoever watches over the service. Cheap, never raises, and told after the fact: of what committed.

    Labels have few values, none of them personal: a status, an outcome, a scope. An event that is not declared where
    the numbers are kept is a Defect.
    """

    @abstractmethod
    def count(self, event: str, number: int = 1, **labels: str) -> None:
        """``event`` happened ``number`` times."""

    @abstractmethod
    def observe(self, event: str, seconds: float, **labels: str) -> None:
        """``event`` took so long, or had this size where it is declared as one."""


class Silence(Telemetry):
    """For whoever does not listen."""

    def count(self, event: str, number: int = 1, **labels: str) -> None:
        """Nothing."""

    def observe(self, event: str, seconds: float, **labels: str) -> None:
        """Nothing."""


SILENT = Silence()


class Distribution:
    """How often values fell between bounds. A value that is a bound falls below it.

    Args:
        bounds: ascending; ``counts`` has one place more, for what is beyond the last.
    """

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


@attrs.frozen
class Reading:
    """What one part of a process knows at this moment of an event, for one set of labels."""

    event: str
    value: float | Distribution
    labels: Mapping[str, str] = attrs.field(factory=dict)


Readings: TypeAlias = Callable[[], Iterable[Reading]]
"""How a part that keeps numbers of its own is read, when somebody asks for them."""
