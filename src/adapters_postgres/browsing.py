"""Pages of subscribers, each found by an index that has the page's own order, so that a million others cost nothing.

There are four orders, and for each an index of all subscribers and one of those who have a tag. Every index has the
status before what it orders by: one status is one piece of it, and of all of them the first of each are merged.
"""

from types import MappingProxyType
from typing import Final
from uuid import UUID

from psycopg.rows import TupleRow

from adapters_postgres.connections import Connection
from adapters_postgres.repositories import Repository
from adapters_postgres.sql import load
from zero2prod_core.domain.searches import Wanted
from zero2prod_core.domain.subscribers import Status

SQL = load("browsing")

FIRST: Final = UUID(int=0)
LAST: Final = UUID(int=2**128 - 1)

BEYOND: Final = "\U0010ffff"
"""What begins with a prefix comes before the prefix with this: it is the last of all code points, and no character."""


WITHIN_TAG: Final = MappingProxyType(
    {
        "newest": "newest_within_tag",
        "of_domain": "of_domain_within_tag",
        "by_email": "by_email_within_tag",
        "by_name": "by_name_within_tag",
    }
)
"""Statements over all subscribers, and the same over those who have a tag."""


class Browsing(Repository):
    """Looks for subscribers of one newsletter; see the port for the order of what is found."""

    def __init__(self, connection: Connection, newsletter: UUID, wanted: Wanted) -> None:
        super().__init__(connection)
        self._wanted = wanted
        statuses = [wanted.status] if wanted.status else list(Status)
        self._filters = {
            "newsletter": newsletter,
            "statuses": [status.value for status in statuses],
            "tag": wanted.tag,
            "first": FIRST,
        }

    async def rows(self, after: UUID | None, limit: int) -> list[TupleRow]:
        if self._wanted.prefix:
            return await self._by_prefix(after, limit)
        statement = "of_domain" if self._wanted.domain else "newest"
        before = LAST if after is None else after
        return await self._found(statement, domain=self._wanted.domain, before=before, limit=limit)

    async def _by_prefix(self, after: UUID | None, limit: int) -> list[TupleRow]:
        place, prefix = await self._place(after), self._wanted.prefix
        end = prefix + BEYOND
        email, name = place or (prefix, prefix)
        after = after if place else FIRST
        found: list[TupleRow] = []
        if email.startswith(prefix):
            found = await self._found("by_email", email=email, end=end, after=after, limit=limit)
            name, after = prefix, FIRST
        if len(found) < limit:
            rest = limit - len(found)
            found += await self._found("by_name", name=name, prefix=prefix, end=end, after=after, limit=rest)
        return found

    async def _found(self, statement: str, **terms: object) -> list[TupleRow]:
        """What a statement finds of those who are wanted: among all subscribers, or among those who have the tag."""
        name = WITHIN_TAG[statement] if self._wanted.tag else statement
        return await self._rows_anew(SQL[name], **terms, **self._filters)

    async def _place(self, id_: UUID | None) -> tuple[str, str] | None:
        """The keys of e-mail address and name, for whom the page before ended with; None where nobody is there."""
        rows = await self._rows_anew(SQL["place"], id=id_) if id_ is not None else []
        return (rows[0][0], rows[0][1]) if rows else None
