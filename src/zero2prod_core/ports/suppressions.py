from abc import abstractmethod
from collections.abc import Collection, Sequence
from typing import Protocol

from zero2prod_core.domain.suppressions import Digest, Reason, Suppression


class SuppressionRepository(Protocol):
    """Suppressed e-mail addresses, by keyed digest and reason."""

    @abstractmethod
    async def add_batch(self, suppressions: Sequence[Suppression]) -> None:
        """A pair of digest and reason that exists is left as it is."""

    @abstractmethod
    async def reasons(self, digests: Sequence[Collection[Digest]]) -> Sequence[frozenset[Reason]]:
        """For each e-mail address, given as its digests under every key, why it is suppressed; empty: it is not."""

    @abstractmethod
    async def lift(self, digests: Collection[Digest], reasons: Collection[Reason]) -> int:
        """Remove those; returns how many there were."""
