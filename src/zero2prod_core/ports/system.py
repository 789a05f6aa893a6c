"""What the core may not do itself: make ids and draw chances. Time comes from the store, see `ports.store`."""

from abc import abstractmethod
from datetime import datetime
from typing import Protocol
from uuid import UUID


class Clock(Protocol):
    """For logs and waiting only; what is persisted as time is the store's."""

    @abstractmethod
    def now(self) -> datetime:
        """Aware, UTC."""

    @abstractmethod
    def monotonic(self) -> float:
        """Seconds since an arbitrary point; never goes back."""


class Ids(Protocol):
    @abstractmethod
    def new(self) -> UUID:
        """A UUID that no call has returned before; later ones sort later (version 7, RFC 9562 §5.7)."""


class Randomness(Protocol):
    @abstractmethod
    def bytes(self, count: int) -> bytes:
        """``count`` bytes from a CSPRNG."""

    @abstractmethod
    def fraction(self) -> float:
        """A number in [0, 1), for jitter."""
