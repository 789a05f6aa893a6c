"""What every repository does with its connection."""

from collections.abc import Mapping
from typing import LiteralString

from psycopg.rows import TupleRow

from adapters_postgres.connections import Connection
from zero2prod_core.errors import Defect


class Repository:
    """Statements on one connection, in whatever transaction is open on it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def _rows(self, statement: LiteralString, **parameters: object) -> list[TupleRow]:
        """The rows that a statement returns."""
        cursor = await self._connection.execute(statement, parameters)
        return await cursor.fetchall()

    async def _rows_anew(self, statement: LiteralString, **parameters: object) -> list[TupleRow]:
        """The same with a new plan: one that was made and kept while tables were small would sort what is now large."""
        cursor = await self._connection.execute(statement, parameters, prepare=False)
        return await cursor.fetchall()

    async def _together(self, *statements: tuple[LiteralString, Mapping[str, object]]) -> list[list[TupleRow]]:
        """The rows of statements that are sent in one go, one after the other, in the transaction that is open."""
        async with self._connection.pipelined():
            cursors = [await self._connection.execute(*statement) for statement in statements]
            return [await cursor.fetchall() for cursor in cursors]

    async def _count(self, statement: LiteralString, **parameters: object) -> int:
        """How many rows a statement wrote."""
        cursor = await self._connection.execute(statement, parameters)
        return cursor.rowcount

    async def _change(self, statement: LiteralString, *, rows: int = 1, **parameters: object) -> None:
        """Run a statement that changes ``rows`` rows, which the caller knows to be there."""
        changed = await self._count(statement, **parameters)
        if changed != rows:
            raise Defect(f"{rows} rows were to be changed, and {changed} are there")
