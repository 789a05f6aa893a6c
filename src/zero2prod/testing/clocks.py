"""Stores whose time can be made to pass."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, cast

from zero2prod_core.domain.instants import Instant
from zero2prod_core.ports.store import Transaction, UnitOfWork


class _AheadOf:
    """A transaction that takes it to be later than it is; what a statement asks of the store's clock is as it is."""

    def __init__(self, tx: Transaction, by: timedelta) -> None:
        self._tx = tx
        self._by = by

    async def now(self) -> Instant:
        return await self._tx.now() + self._by

    def __getattr__(self, repository: str) -> Any:  # noqa: ANN401 - whichever repository is asked for
        return getattr(self._tx, repository)


class AheadUnitOfWork(UnitOfWork):
    """Any unit of work, ``ahead`` of its own clock by what a test adds."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow
        self.ahead = timedelta(0)

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[Transaction]:
        async with self._uow() as tx:
            yield cast(Transaction, _AheadOf(tx, self.ahead))

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Transaction]:
        async with self._uow.reading() as tx:
            yield cast(Transaction, _AheadOf(tx, self.ahead))
