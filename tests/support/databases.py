"""A migrated database of the test server, emptied between tests instead of made anew."""

from collections.abc import Iterator
from contextlib import contextmanager
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

# In a replica's role no trigger fires, not even those by which the audit log refuses this. Deleting the few rows of a
# test takes 2 ms, truncating all tables and partitions 60. The rows that migrations made stay.
EMPTY = """
SET session_replication_role = replica;
{deletions};
DELETE FROM letters WHERE kind = 'issue' OR newsletter_id <> '{default}';
UPDATE letters SET state = 'open', pause_reason = NULL WHERE state <> 'open';
DELETE FROM newsletters WHERE newsletter_id <> '{default}';
"""


@attrs.frozen
class Database:
    """``url`` is the application's; ``superuser`` is connected to it as well, to clean up."""

    url: str
    superuser: psycopg.Connection[Any]
    empty_it: str

    def empty(self) -> None:
        self.superuser.execute(self.empty_it)


@contextmanager
def migrated_database(server: EmbeddedPostgres, name: str) -> Iterator[Database]:
    """A database of its own for a whole file of tests, with the schema in it."""
    with psycopg.connect(server.superuser_url, autocommit=True) as connection:
        # A worker that has stolen a file's last tests comes back to it: the fixture of a file is then made twice.
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name} OWNER {OWNER}")
    url, owner, superuser = (
        make_conninfo(address, dbname=name) for address in (server.url, server.owner_url, server.superuser_url)
    )
    migrate(owner, url)
    with psycopg.connect(superuser, autocommit=True) as connection:
        (deletions,) = connection.execute(DELETIONS).fetchall()[0]
        yield Database(url, connection, EMPTY.format(deletions=deletions, default=DEFAULT_NEWSLETTER.id))


@pytest.fixture(scope="session")
def database(postgres_server: EmbeddedPostgres) -> Iterator[Database]:
    with migrated_database(postgres_server, NAME) as made:
        yield made
