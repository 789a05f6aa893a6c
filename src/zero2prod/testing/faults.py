"""Faults that a store can have, put around any unit of work."""

from abc import abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

from zero2prod_core.errors import CommitUnknown
from zero2prod_core.ports.store import Transaction, UnitOfWork


class _LostCommits(UnitOfWork):
    """Some commits' answers are lost: ``faults`` says of one transaction after the other whether it is one of them.

    After the last word of ``faults`` no further transaction has a fault.
    """

    def __init__(self, uow: UnitOfWork, faults: Iterable[bool] = (True,)) -> None:
        self._uow = uow
        self._faults = iter(faults)

    def __call__(self) -> AbstractAsyncContextManager[Transaction]:
        return self._faulty() if next(self._faults, False) else self._uow()

    def reading(self) -> AbstractAsyncContextManager[Transaction]:
        return self._uow.reading()

    @abstractmethod
    def _faulty(self) -> AbstractAsyncContextManager[Transaction]:
        """A transaction whose commit's answer is lost."""


class CommitLostBefore(_LostCommits):
    """CommitUnknown, and the transaction does not hold: the connection broke before the server read COMMIT."""

    @asynccontextmanager
    async def _faulty(self) -> AsyncIterator[Transaction]:
        async with self._uow() as tx:
            yield tx
            raise CommitUnknown


class CommitLostAfter(_LostCommits):
    """CommitUnknown, and the transaction holds: the connection broke on the way back."""

    @asynccontextmanager
    async def _faulty(self) -> AsyncIterator[Transaction]:
        async with self._uow() as tx:
            yield tx
        raise CommitUnknown


async def rolled_back(uow: UnitOfWork, work: Callable[[Transaction], Awaitable[object]]) -> None:
    """Do the work in a transaction that then fails."""
    with suppress(ConnectionResetError):
        async with uow() as tx:
            await work(tx)
            raise ConnectionResetError
