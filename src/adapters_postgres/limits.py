from collections.abc import Collection, Mapping, Sequence

from adapters_postgres.repositories import Repository
from adapters_postgres.sql import load
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.limits import Decision, Rate, take
from zero2prod_core.ports.limits import LimitKey, LimitRepository

SQL = load("limits")


class PostgresLimitRepository(Repository, LimitRepository):
    async def take_batch(self, keys: Sequence[tuple[LimitKey, Rate]], at: Instant | None = None) -> Sequence[Decision]:
        if not keys:
            return []
        rows = await self._rows(
            SQL["take"],
            at=at,
            intervals=[rate.emission_interval for _, rate in keys],
            bursts=[rate.burst for _, rate in keys],
            **_columns([key for key, _ in keys]),
        )
        now: Instant = rows[0][0]
        taken = {LimitKey(scope, subject): Decision(True, tat) for _, scope, subject, tat in rows if tat is not None}
        tats = await self._look([key for key, _ in keys if key not in taken])
        return [taken[key] if key in taken else take(tats[key], rate, now) for key, rate in keys]

    async def hold_batch(self, keys: Collection[LimitKey], at: Instant | None = None) -> Mapping[LimitKey, Instant]:
        await self._count(SQL["fill"], at=at, **_columns(keys))
        return {
            LimitKey(scope, subject): tat for scope, subject, tat in await self._rows(SQL["hold"], **_columns(keys))
        }

    async def write_batch(self, cells: Mapping[LimitKey, Instant]) -> None:
        await self._count(SQL["write"], tats=list(cells.values()), **_columns(cells))

    async def sweep(self, idle_before: Instant, limit: int) -> int:
        return await self._count(SQL["sweep"], idle_before=idle_before, limit=limit)

    async def _look(self, keys: Collection[LimitKey]) -> dict[LimitKey, Instant]:
        """The cells that refused, which this transaction holds locked, so that the domain can say how long to wait."""
        if not keys:
            return {}
        return {
            LimitKey(scope, subject): tat for scope, subject, tat in await self._rows(SQL["look"], **_columns(keys))
        }


def _columns(keys: Collection[LimitKey]) -> dict[str, list[str]]:
    return {"scopes": [key.scope for key in keys], "subjects": [key.subject for key in keys]}
