"""Pages of subscribers, each found by an index that has the page's own order, so that a million others cost nothing.

Every index has the status before what it orders by: one status is one piece of it, and of all of them the first of each
are merged. Only a search within a tag has no index of its own. It looks up those who have the tag where they are few,
and else goes through what the search finds, asking of each.
"""

from typing import Final
from uuid import UUID

from psycopg.rows import TupleRow

from adapters_postgres.connections import Connection
from adapters_postgres.repositories import Repository
from adapters_postgres.sql import load
from zero2prod_core.domain.searches import Wanted
from zero2prod_core.domain.subscribers import Status

SQL = load("browsing")

FEW: Final = 2_000
"""Subscribers who are looked up and sorted in milliseconds; a tag that more than that have is met soon enough."""

FIRST: Final = UUID(int=0)
LAST: Final = UUID(int=2**128 - 1)

BEYOND: Final = "\U0010ffff"
"""What begins with a prefix comes before the prefix with this: it is the last of all code points, and no character."""


class Browsing(Repository):
    """Looks for subscribers of one newsletter; see the port for the order of what is found."""

    def __init__(self, connection: Connection, newsletter: UUID, wanted: Wanted) -> None:
        super().__init__(connection)
        self._wanted = wanted
        statuses = [wanted.status] if wanted.status else list(Status)
        self._filters = {
            "newsletter": newsletter,
            "statuses": [status.value for status in statuses],
            "tag": wanted.tag or None,
            "first": FIRST,
        }

    async def rows(self, after: UUID | None, limit: int) -> list[TupleRow]:
        wanted, few = self._wanted, await self._within_few()
        if wanted.prefix:
            return await (self._few_by_prefix if few else self._by_prefix)(after, limit)
        behind = {"before": LAST if after is None else after, "limit": limit}
        if not wanted.domain:
            return await self._rows_anew(SQL["of_tag" if wanted.tag else "newest"], **behind, **self._filters)
        statement = SQL["few_of_domain" if few else "of_domain"]
        return await self._rows_anew(statement, domain=wanted.domain, **behind, **self._filters)

    async def _within_few(self) -> bool:
        """Whether the search is within a tag that few have."""
        if not (self._wanted.tag and (self._wanted.prefix or self._wanted.domain)):
            return False
        ((count,),) = await self._rows_anew(SQL["count_tag"], limit=FEW + 1, **self._filters)
        return bool(count <= FEW)

    async def _few_by_prefix(self, after: UUID | None, limit: int) -> list[TupleRow]:
        place, prefix = await self._place(after), self._wanted.prefix
        by_name = place is not None and not place[0].startswith(prefix)
        key = place[by_name] if place else ""
        behind = {"by_name": by_name, "key": key, "after": FIRST if place is None else after, "limit": limit}
        return await self._rows_anew(SQL["few_by_prefix"], prefix=prefix, **behind, **self._filters)

    async def _by_prefix(self, after: UUID | None, limit: int) -> list[TupleRow]:
        place, prefix = await self._place(after), self._wanted.prefix
        terms = {"prefix": prefix, "end": prefix + BEYOND, **self._filters}
        email, name = place or (prefix, prefix)
        after = after if place else FIRST
        found: list[TupleRow] = []
        if email.startswith(prefix):
            found = await self._rows_anew(SQL["by_email"], email=email, after=after, limit=limit, **terms)
            name, after = prefix, FIRST
        if len(found) < limit:
            found += await self._rows_anew(SQL["by_name"], name=name, after=after, limit=limit - len(found), **terms)
        return found

    async def _place(self, id_: UUID | None) -> tuple[str, str] | None:
        """The keys of e-mail address and name, for whom the page before ended with; None where nobody is there."""
        rows = await self._rows_anew(SQL["place"], id=id_) if id_ is not None else []
        return (rows[0][0], rows[0][1]) if rows else None
