from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from zero2prod_core.domain.consent import Consent


class ConsentRepository(Protocol):
    """Evidence, append-only."""

    @abstractmethod
    async def add_batch(self, records: Sequence[Consent]) -> None: ...

    @abstractmethod
    async def of(self, subscriber: UUID) -> Sequence[Consent]:
        """All records of one subscriber, oldest first."""
