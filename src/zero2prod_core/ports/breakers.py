from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from zero2prod_core.domain.breakers import Breaker, BreakerKey
from zero2prod_core.domain.instants import Instant


class BreakerRepository(Protocol):
    """Breakers shared by all workers. A closed one has no row."""

    @abstractmethod
    async def hold_batch(self, keys: Collection[BreakerKey]) -> Mapping[BreakerKey, Breaker]:
        """Lock those that exist until the transaction ends: relays first, then domains, each by name."""

    @abstractmethod
    async def add_batch(self, breakers: Sequence[Breaker]) -> None:
        """Add breakers that were not there to be held. One that somebody else has added meanwhile stays as it is, and
        is not waited for: whoever holds it may wait for what is held here.
        """

    @abstractmethod
    async def save_batch(self, breakers: Sequence[Breaker]) -> None:
        """Write breakers that are held."""

    @abstractmethod
    async def remove_batch(self, keys: Collection[BreakerKey]) -> None:
        """Close breakers that are held; one that does not exist is closed already."""

    @abstractmethod
    async def sweep(self, before: Instant, limit: int) -> int:
        """Remove at most ``limit`` whose time was over before ``before``; returns how many."""

    @abstractmethod
    async def list(self, limit: int, at: Instant | None = None) -> Sequence[Breaker]:
        """Those that are open, at most ``limit``, relays first, then those that have failed most often."""
