"""A store that can be away, or silent, while a test says so."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from enum import StrEnum

from zero2prod_core.errors import StoreUnavailable
from zero2prod_core.ports.store import Transaction, UnitOfWork


class Outage(StrEnum):
    NONE = "none"
    AWAY = "away"
    SILENT = "silent"
    BROKEN = "broken"


class Unsteady(UnitOfWork):
    """Another unit of work, with the outage that is set.

    ``cleaned_up`` tells that a transaction which never began was given up by its caller.
    """

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow
        self.outage = Outage.NONE
        self.cleaned_up = asyncio.Event()

    def __call__(self) -> AbstractAsyncContextManager[Transaction]:
        return self._uow() if self.outage is Outage.NONE else self._failing()

    def reading(self) -> AbstractAsyncContextManager[Transaction]:
        return self._uow.reading() if self.outage is Outage.NONE else self._failing()

    @asynccontextmanager
    async def _failing(self) -> AsyncIterator[Transaction]:
        if self.outage is Outage.AWAY:
            raise StoreUnavailable
        if self.outage is Outage.BROKEN:
            raise RuntimeError("ada@example.com is in no one's log but this")
        try:
            await asyncio.Event().wait()
        finally:
            self.cleaned_up.set()
        async with self._uow() as tx:
            yield tx
