from abc import abstractmethod
from collections.abc import Collection, Sequence
from typing import Protocol
from uuid import UUID

from zero2prod_core.domain.consent import Consent


class ConsentRepository(Protocol):
    """Evidence, append-only."""

    @abstractmethod
    async def add_batch(self, records: Sequence[Consent]) -> None: ...

    @abstractmethod
    async def of(self, subscribers: Collection[UUID]) -> Sequence[Consent]:
        """All records of these subscribers, oldest first."""

    @abstractmethod
    async def forget(self, subscribers: Collection[UUID]) -> None:
        """Empty the personal parts of these subscribers' records: network addresses and user agents."""
