from abc import abstractmethod
from collections.abc import Collection, Sequence
from typing import Protocol

from zero2prod_core.domain.suppressions import Digest, Reason, Suppression


class SuppressionRepository(Protocol):
    """Suppressed e-mail addresses, by keyed digest and reason."""

    @abstractmethod
    async def add_batch(self, suppressions: Sequence[Suppression]) -> int:
        """A pair of digest and reason that exists is left as it is. Returns how many are new."""

    @abstractmethod
    async def reasons(self, digests: Sequence[Collection[Digest]]) -> Sequence[frozenset[Reason]]:
        """For each e-mail address, given as its digests under every key, why it is suppressed; empty: it is not."""

    @abstractmethod
    async def adopt(self, digests: Sequence[Sequence[Digest]]) -> int:
        """Rewrite suppressions of e-mail addresses under the newest key, so that older ones can be retired.

        Each e-mail address is given as its digests under every key, newest first. Returns how many were rewritten.
        """

    @abstractmethod
    async def of(self, digests: Collection[Digest]) -> Sequence[Suppression]:
        """All of one e-mail address, given as its digests under every key, oldest first."""

    @abstractmethod
    async def forget_notes(self, digests: Collection[Digest]) -> None:
        """Empty the notes of these; why and since when somebody is not mailed stays."""

    @abstractmethod
    async def lift(self, digests: Collection[Digest], reasons: Collection[Reason]) -> int:
        """Remove those; returns how many there were."""
