from collections.abc import Collection, Sequence

import attrs

from adapters_memory.overlay import Overlay
from adapters_memory.tables import Tables
from zero2prod_core.domain.suppressions import Digest, Reason, Suppression
from zero2prod_core.ports.suppressions import SuppressionRepository

__all__ = ["InMemorySuppressionRepository"]


class InMemorySuppressionRepository(SuppressionRepository):
    def __init__(self, tables: Tables, overlay: Overlay) -> None:
        self._by_digest = tables.suppressions_by_digest
        self._suppressions = overlay.of(tables.suppressions)

    async def add_batch(self, suppressions: Sequence[Suppression]) -> int:
        return sum(self._add(suppression) for suppression in suppressions)

    async def reasons(self, digests: Sequence[Collection[Digest]]) -> Sequence[frozenset[Reason]]:
        return [frozenset(reason for digest in known for reason in self._reasons(digest)) for known in digests]

    async def adopt(self, digests: Sequence[Sequence[Digest]]) -> int:
        adopted = 0
        for newest, *others in digests:
            for old in others:
                for found in self._suppressions.where(self._by_digest, old):
                    self._suppressions.remove((old, found.reason))
                    if self._suppressions.get((newest, found.reason)) is None:
                        self._suppressions.put((newest, found.reason), attrs.evolve(found, digest=newest))
                        adopted += 1
        return adopted

    async def of(self, digests: Collection[Digest]) -> Sequence[Suppression]:
        found = [each for digest in digests for each in self._suppressions.where(self._by_digest, digest)]
        return sorted(found, key=lambda each: (each.created_at, each.reason))

    async def forget_notes(self, digests: Collection[Digest]) -> None:
        for found in await self.of(digests):
            self._suppressions.put((found.digest, found.reason), attrs.evolve(found, note=None))

    async def lift(self, digests: Collection[Digest], reasons: Collection[Reason]) -> int:
        return sum(self._suppressions.remove((digest, reason)) for digest in digests for reason in reasons)

    def _add(self, suppression: Suppression) -> bool:
        key = (suppression.digest, suppression.reason)
        new = self._suppressions.get(key) is None
        if new:
            self._suppressions.put(key, suppression)
        return new

    def _reasons(self, digest: Digest) -> list[Reason]:
        return [found.reason for found in self._suppressions.where(self._by_digest, digest)]
