"""Transactions over every repository."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from adapters_postgres.connections import Connection
from adapters_postgres.errors import is_lost
from adapters_postgres.pool import Pool
from adapters_postgres.transactions import PostgresTransaction
from zero2prod_core.errors import CommitUnknown, Defect, StoreUnavailable, Zero2ProdError
from zero2prod_core.ports.store import Transaction, UnitOfWork
from zero2prod_core.ports.telemetry import SILENT, Telemetry


class PostgresUnitOfWork(UnitOfWork):
    """READ COMMITTED transactions on the pool's connections. Counts the actions of those that committed."""

    def __init__(self, pool: Pool, telemetry: Telemetry = SILENT) -> None:
        self._pool = pool
        self._telemetry = telemetry
        self._inside: set[asyncio.Task[object] | None] = set()

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[Transaction]:
        with self._alone():
            async with self._pool.connection() as connection:
                connection.begins = True
                try:
                    with _lent(connection) as transaction:
                        yield transaction
                except BaseException:
                    await _roll_back(connection)
                    raise
                await _commit(connection)
            for action, number in transaction.actions.items():
                self._telemetry.count("actions", number, action=action.value)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Transaction]:
        with self._alone():
            async with self._pool.connection() as connection:
                with _lent(connection) as transaction:
                    yield transaction

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Refuse a second block of the same task: it would wait for a connection while it holds one."""
        task = asyncio.current_task()
        if task in self._inside:
            raise Defect("a transaction was opened inside another one of the same task")
        self._inside.add(task)
        try:
            yield
        finally:
            self._inside.discard(task)


@contextmanager
def _lent(connection: Connection) -> Iterator[PostgresTransaction]:
    transaction = PostgresTransaction(connection)
    try:
        yield transaction
    finally:
        transaction.end()


async def _commit(connection: Connection) -> None:
    """COMMIT, which of a transaction with a failed statement makes a rollback, without an error.

    A transaction without a statement has not begun.
    """
    if connection.begins:
        connection.begins = False
        return
    try:
        cursor = await connection.execute("COMMIT", prepare=False)
    except StoreUnavailable as error:
        if is_lost(error):
            raise CommitUnknown from error
        raise
    if cursor.statusmessage != "COMMIT":
        raise Defect("a transaction went on after one of its statements had failed")


async def _roll_back(connection: Connection) -> None:
    """ROLLBACK where that is possible; a connection that fails at it is closed by the pool, to the same effect."""
    if connection.begins:
        connection.begins = False
    elif not connection.closed:
        try:
            await connection.execute("ROLLBACK", prepare=False)
        except Zero2ProdError:
            return
