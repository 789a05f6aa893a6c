from collections.abc import Collection, Sequence

from adapters_memory.overlay import Overlay
from adapters_memory.tables import Tables
from zero2prod_core.domain.suppressions import Digest, Reason, Suppression
from zero2prod_core.ports.suppressions import SuppressionRepository

__all__ = ["InMemorySuppressionRepository"]


class InMemorySuppressionRepository(SuppressionRepository):
    def __init__(self, tables: Tables, overlay: Overlay) -> None:
        self._by_digest = tables.suppressions_by_digest
        self._suppressions = overlay.of(tables.suppressions)

    async def add_batch(self, suppressions: Sequence[Suppression]) -> None:
        for suppression in suppressions:
            key = (suppression.digest, suppression.reason)
            if self._suppressions.get(key) is None:
                self._suppressions.put(key, suppression)

    async def reasons(self, digests: Sequence[Collection[Digest]]) -> Sequence[frozenset[Reason]]:
        return [frozenset(reason for digest in known for reason in self._reasons(digest)) for known in digests]

    async def lift(self, digests: Collection[Digest], reasons: Collection[Reason]) -> int:
        return sum(self._suppressions.remove((digest, reason)) for digest in digests for reason in reasons)

    def _reasons(self, digest: Digest) -> list[Reason]:
        return [found.reason for found in self._suppressions.where(self._by_digest, digest)]
