from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from zero2prod_core.domain.breakers import Breaker, BreakerKey


class BreakerRepository(Protocol):
    """Breakers shared by all workers. A closed one has no row."""

    @abstractmethod
    async def hold_batch(self, keys: Collection[BreakerKey]) -> Mapping[BreakerKey, Breaker]:
        """Lock those that exist until the transaction ends: relays first, then domains, each by name."""

    @abstractmethod
    async def save_batch(self, breakers: Sequence[Breaker]) -> None:
        """Write breakers, new ones or those that are held."""

    @abstractmethod
    async def remove_batch(self, keys: Collection[BreakerKey]) -> None:
        """Close breakers that are held; one that does not exist is closed already."""

    @abstractmethod
    async def list(self, limit: int) -> Sequence[Breaker]:
        """At most ``limit``, relays first, then those that have failed most often."""
