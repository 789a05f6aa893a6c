from collections.abc import Collection, Mapping, Sequence
from typing import LiteralString

from adapters_postgres.repositories import Repository
from adapters_postgres.sql import load
from zero2prod_core.domain.breakers import Breaker, BreakerKey
from zero2prod_core.domain.deliveries import Scope
from zero2prod_core.domain.instants import Instant
from zero2prod_core.ports.breakers import BreakerRepository

SQL = load("breakers")


class PostgresBreakerRepository(Repository, BreakerRepository):
    async def hold_batch(self, keys: Collection[BreakerKey]) -> Mapping[BreakerKey, Breaker]:
        found = (_breaker(*row) for row in await self._rows(SQL["hold"], **_columns(keys)))
        return {breaker.key: breaker for breaker in found}

    async def add_batch(self, breakers: Sequence[Breaker]) -> None:
        await self._write(SQL["add"], breakers)

    async def save_batch(self, breakers: Sequence[Breaker]) -> None:
        await self._write(SQL["save"], breakers)

    async def remove_batch(self, keys: Collection[BreakerKey]) -> None:
        await self._count(SQL["remove"], **_columns(keys))

    async def sweep(self, before: Instant, limit: int) -> int:
        return await self._count(SQL["sweep"], before=before, limit=limit)

    async def list(self, limit: int, at: Instant | None = None) -> Sequence[Breaker]:
        return [_breaker(*row) for row in await self._rows(SQL["list"], limit=limit, at=at)]

    async def _write(self, statement: LiteralString, breakers: Sequence[Breaker]) -> None:
        if not breakers:
            return
        await self._count(
            statement,
            untils=[breaker.open_until for breaker in breakers],
            failures=[breaker.failures for breaker in breakers],
            reasons=[breaker.reason for breaker in breakers],
            probing=[breaker.probing for breaker in breakers],
            **_columns([breaker.key for breaker in breakers]),
        )


def _columns(keys: Collection[BreakerKey]) -> dict[str, list[str]]:
    return {"scopes": [key.scope.value for key in keys], "subjects": [key.subject for key in keys]}


def _breaker(scope: str, subject: str, open_until: Instant, failures: int, reason: str, probing: bool) -> Breaker:
    return Breaker(BreakerKey(Scope(scope), subject), open_until, failures, reason, probing)
