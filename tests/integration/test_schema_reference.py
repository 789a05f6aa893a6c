"""``docs/reference/schema.md`` describes the migrated schema: every table and column, and none besides."""

import re
from collections import defaultdict
from pathlib import Path

import pytest

from adapters_postgres.embedded import EmbeddedPostgres
from tests.support.databases import migrated_database

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "schema.md"

Columns = list[tuple[str, str]]

COLUMNS = """
SELECT relname, attname, format_type(atttypid, NULL) || CASE WHEN attnotnull THEN '' ELSE ', null' END
FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v') AND NOT relispartition
    AND attnum > 0 AND NOT attisdropped
ORDER BY relname, attnum
"""


def described() -> dict[str, Columns]:
    """The page's tables, each with its columns in order."""
    _, *sections = re.split(r"^### (\w+)$", PAGE.read_text(), flags=re.MULTILINE)
    bodies = zip(sections[::2], sections[1::2], strict=True)
    rows = re.compile(r"^\| (\w+) \| ([^|]+) \|", re.MULTILINE)
    return {table: [row for row in rows.findall(body) if row != ("column", "type")] for table, body in bodies}


@pytest.fixture(scope="module")
def migrated(postgres_server: EmbeddedPostgres) -> dict[str, Columns]:
    tables: dict[str, Columns] = defaultdict(list)
    with migrated_database(postgres_server, "reference") as database:
        for table, column, type_ in database.superuser.execute(COLUMNS):
            tables[table].append((column, type_.replace("timestamp with time zone", "timestamptz")))
    return dict(tables)


def test_the_page_has_every_table_and_none_besides(migrated: dict[str, Columns]) -> None:
    assert sorted(described()) == sorted(migrated)


@pytest.mark.parametrize("table", described())
def test_each_table_is_described_column_by_column(migrated: dict[str, Columns], table: str) -> None:
    assert described()[table] == migrated[table]
