from collections.abc import Collection, Sequence

from adapters_postgres.repositories import Repository
from adapters_postgres.sql import load
from zero2prod_core.domain.suppressions import Digest, Reason, Suppression
from zero2prod_core.ports.suppressions import SuppressionRepository

SQL = load("suppressions")


class PostgresSuppressionRepository(Repository, SuppressionRepository):
    async def add_batch(self, suppressions: Sequence[Suppression]) -> None:
        await self._count(
            SQL["add"],
            key_ids=[each.digest.key_id for each in suppressions],
            digests=[each.digest.value for each in suppressions],
            reasons=[each.reason.value for each in suppressions],
            created_ats=[each.created_at for each in suppressions],
        )

    async def reasons(self, digests: Sequence[Collection[Digest]]) -> Sequence[frozenset[Reason]]:
        asked = [(position, digest) for position, group in enumerate(digests) for digest in group]
        rows = await self._rows(
            SQL["reasons"],
            positions=[position for position, _ in asked],
            key_ids=[digest.key_id for _, digest in asked],
            digests=[digest.value for _, digest in asked],
        )
        found: list[set[Reason]] = [set() for _ in digests]
        for position, reason in rows:
            found[position].add(Reason(reason))
        return [frozenset(reasons) for reasons in found]

    async def lift(self, digests: Collection[Digest], reasons: Collection[Reason]) -> int:
        return await self._count(
            SQL["lift"],
            key_ids=[digest.key_id for digest in digests],
            digests=[digest.value for digest in digests],
            reasons=[reason.value for reason in reasons],
        )
