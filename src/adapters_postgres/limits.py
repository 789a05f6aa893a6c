from collections.abc import Collection, Mapping, Sequence

from adapters_postgres.repositories import Repository
from adapters_postgres.sql import load
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.limits import Decision, Rate, take
from zero2prod_core.ports.limits import LimitKey, LimitRepository, Refused

SQL = load("limits")


class PostgresLimitRepository(Repository, LimitRepository):
    async def take_batch(self, keys: Sequence[tuple[LimitKey, Rate]], at: Instant | None = None) -> Sequence[Decision]:
        if not keys:
            return []
        tats, now = await self._hold([key for key, _ in keys], at)
        decisions = [take(tats[key], rate, now) for key, rate in keys]
        taken = {key: each.tat for (key, _), each in zip(keys, decisions, strict=True) if each.allowed}
        await self.write_batch(taken)
        return decisions

    async def hold_batch(self, keys: Collection[LimitKey], at: Instant | None = None) -> Mapping[LimitKey, Instant]:
        return (await self._hold(keys, at))[0] if keys else {}

    async def peek_batch(self, keys: Collection[LimitKey]) -> Mapping[LimitKey, Instant]:
        rows = await self._rows(SQL["peek"], **_columns(keys))
        return {LimitKey(scope, subject): tat for scope, subject, tat in rows}

    async def write_batch(self, cells: Mapping[LimitKey, Instant]) -> None:
        if not cells:
            return
        await self._count(SQL["write"], tats=list(cells.values()), **_columns(cells))

    async def sweep(self, idle_before: Instant, limit: int) -> int:
        return await self._count(SQL["sweep"], idle_before=idle_before, limit=limit)

    async def count_refusals(self, counts: Mapping[LimitKey, int], minute: Instant) -> None:
        digests = [bytes.fromhex(key.subject) for key in counts]
        scopes = [key.scope for key in counts]
        await self._count(
            SQL["count_refusals"], scopes=scopes, digests=digests, counts=list(counts.values()), minute=minute
        )

    async def take_refusals(self, before: Instant, most: int) -> Sequence[Refused]:
        rows = await self._rows(SQL["take_refusals"], before=before, most=most)
        return [
            Refused(scope, None if digest is None else digest.hex(), minute, int(count), subjects)
            for scope, digest, minute, count, subjects in rows
        ]

    async def _hold(self, keys: Collection[LimitKey], at: Instant | None) -> tuple[Mapping[LimitKey, Instant], Instant]:
        """The cells, locked, and the moment at which they were."""
        rows = await self._rows(SQL["hold"], at=at, **_columns(keys))
        return {LimitKey(scope, subject): tat for scope, subject, tat, _ in rows}, rows[0][3]


def _columns(keys: Collection[LimitKey]) -> dict[str, list[str]]:
    return {"scopes": [key.scope for key in keys], "subjects": [key.subject for key in keys]}
