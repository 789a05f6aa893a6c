"""A page of subscribers is found at the price of its own rows, however many there are and wherever they lie."""

from collections.abc import AsyncIterator
from itertools import product

import attrs
import pytest

from adapters_postgres.embedded import EmbeddedPostgres
from adapters_postgres.pool import Pool
from adapters_postgres.unit_of_work import PostgresUnitOfWork
from tests.support.databases import Database, migrated_database
from tests.support.pools import opened_pool
from zero2prod.testing.builders import new_id
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER
from zero2prod_core.domain.searches import Wanted
from zero2prod_core.domain.subscribers import Status

CROWD = """
INSERT INTO subscriptions (
    id, newsletter_id, email, email_key, email_domain, email_digest, email_digest_key, name, name_key, status,
    subscribed_at, tags
)
SELECT
    ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, '00000000-0000-7000-8000-000000000001', email,
    email, split_part(email, '@', 2), sha256(email::bytea), 'crowd', called, called,
    CASE WHEN n <= 10000 THEN 'unsubscribed' WHEN n % 10 = 0 THEN 'bounced' ELSE 'confirmed' END, now(),
    CASE WHEN n <= 10000 THEN ARRAY['old'] WHEN n = 15000 THEN ARRAY['rare'] ELSE '{}' END
FROM generate_series(1, 20000) AS n,
    concat(CASE WHEN n <= 10000 THEN 'first' ELSE 'later' END, n, '@domain', (n - 1) / 10000, '.example') AS email,
    concat(CASE WHEN n <= 10000 THEN 'zoe' ELSE 'ada' END, ' ', 30000 - n) AS called
"""
"""Those who came first are all of one kind: read by age, a page of them would go through everybody else.

They and the others share neither tag, name, domain nor the beginning of the e-mail address: of all whom a search finds,
nobody may have the tag.
"""

SEARCHES = ("", "first", "later", "zoe", "ada", "nobody", "@domain0.example", "@domain1.example")
STATUSES = ("", *Status)
TAGS = ("", "old", "rare", "nobody's")

PAGES = [Wanted.parse(*asked) for asked in product(SEARCHES, STATUSES, TAGS)]

OFTEN = 3
"""The driver prepares a statement at its sixth use, and the server may keep its plan at the sixth after that. A look at
every page uses each statement twelve times."""

PAGE = 20

MOST = 2 * PAGE * len(Status) + 10
"""Entries that one page may read: its own from each status, by the index and once more by the key."""

THEIRS = """
SELECT count(*) FROM subscriptions
WHERE (starts_with(email_key, %(prefix)s) OR starts_with(name_key, %(prefix)s))
    AND %(domain)s IN ('', email_domain) AND %(status)s IN ('', status) AND (%(tag)s = '' OR %(tag)s = ANY (tags))
"""

ENTRIES_READ = """
SELECT coalesce(sum(idx_tup_read), 0)::bigint + (
    SELECT sum(seq_tup_read)::bigint FROM pg_stat_user_tables
    WHERE relname IN ('subscriptions', 'subscription_tags')
)
FROM pg_stat_user_indexes WHERE relname IN ('subscriptions', 'subscription_tags')
"""


@attrs.frozen
class Crowded:
    database: Database
    pool: Pool

    async def browse(self, wanted: Wanted) -> int:
        """A first page, the one behind it, and one behind somebody unknown; returns how many the two found."""
        async with PostgresUnitOfWork(self.pool).reading() as tx:
            first = await tx.subscribers.browse(DEFAULT_NEWSLETTER.id, wanted, None, PAGE)
            after = first[-1].id if first else new_id()
            return len(first) + len(await tx.subscribers.browse(DEFAULT_NEWSLETTER.id, wanted, after, PAGE))

    def count(self, wanted: Wanted) -> int:
        """How many there are, by a look at each."""
        asked = attrs.asdict(wanted) | {"status": wanted.status or ""}
        ((count,),) = self.database.superuser.execute(THEIRS, asked).fetchall()
        return int(count)

    async def entries_read(self) -> int:
        async with self.pool.connection() as connection:
            await connection.execute("SELECT pg_stat_force_next_flush()")
        self.database.superuser.execute("SELECT pg_stat_clear_snapshot()")
        ((count,),) = self.database.superuser.execute(ENTRIES_READ).fetchall()
        return int(count)


@pytest.fixture(params=["analysed", "planned while empty"])
async def crowded(postgres_server: EmbeddedPostgres, request: pytest.FixtureRequest) -> AsyncIterator[Crowded]:
    with migrated_database(postgres_server, "browsed") as database:
        for table in ("subscriptions", "subscription_tags"):
            database.superuser.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)".encode())
        async with opened_pool(database.url, size=1) as pool:
            crowded = Crowded(database, pool)
            if request.param == "planned while empty":
                for wanted in PAGES * OFTEN:
                    await crowded.browse(wanted)
            database.superuser.execute(CROWD)
            if request.param == "analysed":
                database.superuser.execute("VACUUM ANALYZE")
            yield crowded


async def test_a_page_reads_its_own_rows_alone(crowded: Crowded) -> None:
    read: dict[Wanted, tuple[int, bool]] = {}
    for wanted in PAGES:
        before = await crowded.entries_read()
        found = await crowded.browse(wanted)
        entries = await crowded.entries_read() - before
        read[wanted] = (found, entries <= 2 * MOST)
    assert read == {wanted: (min(crowded.count(wanted), 2 * PAGE), True) for wanted in PAGES}
