"""A migrated database of the test server, emptied between tests instead of made anew."""

from collections.abc import Iterator
from typing import Any

import attrs
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from adapters_postgres.embedded import EmbeddedPostgres
from adapters_postgres.embedded.cluster import OWNER
from adapters_postgres.migrate import migrate
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER

NAME = "contract"

DELETIONS = """
SELECT string_agg(format('DELETE FROM %I', relname), '; ') FROM pg_class
WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace
    AND relname NOT IN ('schema_migrations', 'newsletters', 'letters')
"""

# In a replica's role no trigger fires, not even those by which the audit log refuses this. Deleting the few rows of a test
# takes 2 ms, truncating all tables and partitions 60. The rows that migrations made stay.
EMPTY = f"""
SET session_replication_role = replica;
{{deletions}};
DELETE FROM letters WHERE kind = 'issue' OR newsletter_id <> '{DEFAULT_NEWSLETTER.id}';
UPDATE letters SET state = 'open', pause_reason = NULL WHERE state <> 'open';
DELETE FROM newsletters WHERE newsletter_id <> '{DEFAULT_NEWSLETTER.id}';
"""


@attrs.frozen
class Database:
    """``url`` is the application's; ``superuser`` is connected to it as well, to clean up."""

    url: str
    superuser: "psycopg.Connection[Any]"
    empty_it: str

    def empty(self) -> None:
        self.superuser.execute(self.empty_it)


@pytest.fixture(scope="session")
def database(postgres_server: EmbeddedPostgres) -> Iterator[Database]:
    with psycopg.connect(postgres_server.superuser_url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {NAME} OWNER {OWNER}")
    url, owner, superuser = (
        make_conninfo(address, dbname=NAME)
        for address in (postgres_server.url, postgres_server.owner_url, postgres_server.superuser_url)
    )
    migrate(owner, url)
    with psycopg.connect(superuser, autocommit=True) as connection:
        (deletions,) = connection.execute(DELETIONS).fetchall()[0]
        yield Database(url, connection, EMPTY.format(deletions=deletions))
