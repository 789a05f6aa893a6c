from collections.abc import Collection, Sequence
from typing import Any

from adapters_postgres.repositories import Repository
from adapters_postgres.sql import load
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.suppressions import Digest, Reason, Suppression
from zero2prod_core.ports.suppressions import SuppressionRepository

SQL = load("suppressions")


class PostgresSuppressionRepository(Repository, SuppressionRepository):
    async def add_batch(self, suppressions: Sequence[Suppression]) -> int:
        return await self._count(
            SQL["add"],
            key_ids=[each.digest.key_id for each in suppressions],
            digests=[each.digest.value for each in suppressions],
            reasons=[each.reason.value for each in suppressions],
            created_ats=[each.created_at for each in suppressions],
            notes=[each.note for each in suppressions],
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

    async def adopt(self, digests: Sequence[Sequence[Digest]]) -> int:
        pairs = [(old, newest) for newest, *others in digests for old in others]
        if not pairs:
            return 0
        return await self._count(
            SQL["adopt"],
            key_ids=[old.key_id for old, _ in pairs],
            digests=[old.value for old, _ in pairs],
            new_key_ids=[new.key_id for _, new in pairs],
            new_digests=[new.value for _, new in pairs],
        )

    async def of(self, digests: Collection[Digest]) -> Sequence[Suppression]:
        return [_suppression(*row) for row in await self._rows(SQL["of"], **_columns(digests))]

    async def forget_notes(self, digests: Collection[Digest]) -> None:
        await self._count(SQL["forget_notes"], **_columns(digests))

    async def lift(self, digests: Collection[Digest], reasons: Collection[Reason]) -> int:
        return await self._count(SQL["lift"], reasons=[reason.value for reason in reasons], **_columns(digests))


def _columns(digests: Collection[Digest]) -> dict[str, list[Any]]:
    return {"key_ids": [each.key_id for each in digests], "digests": [each.value for each in digests]}


def _suppression(key_id: str, value: bytes, reason: str, created_at: Instant, note: str | None) -> Suppression:
    return Suppression(Digest(key_id, value), Reason(reason), created_at, note)
