"""Everything that a database holds, as text."""

import re
from collections.abc import Collection

from psycopg.sql import SQL, Identifier

from tests.support.databases import Database

TABLES = """
SELECT relname FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname
"""

ROWS = SQL("COPY {} TO STDOUT")
COUNT = SQL("SELECT count(*) FROM {}")

BYTEA = re.compile(r"\\\\x([0-9a-f]*)")
"""As COPY writes it in its text format."""


def tables(database: Database) -> list[str]:
    """Every table and partition by its name."""
    return [name for (name,) in database.superuser.execute(TABLES).fetchall()]


def dump(database: Database, but: Collection[str] = ()) -> dict[str, list[str]]:
    """The rows of every table but some, sorted, each a line."""
    return {name: sorted(contents(database, name).splitlines()) for name in tables(database) if name not in but}


def contents(database: Database, table: str) -> str:
    with database.superuser.cursor() as cursor, cursor.copy(ROWS.format(Identifier(table))) as copy:
        return b"".join(copy).decode()


def readable(text: str) -> str:
    """With what is binary read as text."""
    return BYTEA.sub(lambda match: bytes.fromhex(match[1]).decode("latin-1"), text)


def counts(database: Database) -> dict[str, int]:
    """How many rows each table has; of a partitioned one, under its name without the partition's."""
    found: dict[str, int] = {}
    for name in tables(database):
        ((count,),) = database.superuser.execute(COUNT.format(Identifier(name))).fetchall()
        whole = re.sub(r"_(\d{4}_\d{2}|default)$", "", name)
        found[whole] = found.get(whole, 0) + count
    return found


def grown(before: dict[str, int], after: dict[str, int], but: Collection[str] = ()) -> dict[str, int]:
    """By how many rows each table has changed, where it has."""
    return {name: after[name] - before[name] for name in after if after[name] != before[name] and name not in but}


def naming(database: Database, texts: Collection[str]) -> list[str]:
    """The tables in which one of these stands, given in lower case."""
    found = {name: readable(contents(database, name)).lower() for name in tables(database)}
    return [name for name, text in found.items() if any(each in text for each in texts)]
