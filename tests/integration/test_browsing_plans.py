"""A page of subscribers is found at the price of its own rows, however many there are and wherever they lie."""

from collections.abc import AsyncIterator, Mapping

import attrs
import pytest

from adapters_postgres.embedded import EmbeddedPostgres
from adapters_postgres.pool import Pool
from adapters_postgres.unit_of_work import PostgresUnitOfWork
from tests.support.databases import Database, migrated_database
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
FROM generate_series(1, 20000) AS n, concat('reader', n, '@domain', n / 10000, '.example') AS email,
    concat(CASE WHEN n <= 10000 THEN 'zoe' ELSE 'ada' END, ' ', 30000 - n) AS called
"""
"""Those who came first are all of one kind: read by age, a page of them would go through everybody else."""

OFTEN = 12
"""The driver prepares a statement at its sixth use, and the server may keep its plan at the sixth after that."""

PAGE = 20

MOST = 2 * PAGE * len(Status) + 10
"""Entries that one page may read: its own from each status, by the index and once more by the key."""

PAGES: Mapping[str, Wanted] = {
    "all": Wanted(),
    "status": Wanted(status=Status.UNSUBSCRIBED),
    "nobody of a status": Wanted(status=Status.COMPLAINED),
    "tag": Wanted(tag="old"),
    "tag and status": Wanted(tag="old", status=Status.CONFIRMED),
    "domain": Wanted(domain="domain0.example"),
    "domain and status": Wanted(domain="domain0.example", status=Status.BOUNCED),
    "e-mail address": Wanted("reader1"),
    "e-mail address and status": Wanted("reader1", status=Status.BOUNCED),
    "name": Wanted("zoe"),
    "name and status": Wanted("zoe", status=Status.BOUNCED),
    "nobody": Wanted("nobody"),
    "search within a rare tag": Wanted("reader", tag="rare"),
    "domain within a rare tag": Wanted(domain="domain1.example", tag="rare"),
}

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
        pool = Pool(database.url, size=1)
        await pool.open()
        crowded = Crowded(database, pool)
        if request.param == "planned while empty":
            for wanted in PAGES.values():
                for _ in range(OFTEN):
                    await crowded.browse(wanted)
        database.superuser.execute(CROWD)
        if request.param == "analysed":
            database.superuser.execute("VACUUM ANALYZE")
        yield crowded
        await pool.close()


async def test_a_page_reads_its_own_rows_alone(crowded: Crowded) -> None:
    read: dict[str, tuple[int, bool]] = {}
    for name, wanted in PAGES.items():
        before = await crowded.entries_read()
        found = await crowded.browse(wanted)
        entries = await crowded.entries_read() - before
        read[name] = (found, entries <= 2 * MOST)
    nobody = {"nobody", "nobody of a status", "tag and status", "name and status", "domain and status"}
    one = {"search within a rare tag", "domain within a rare tag"}
    expected = {name: 0 if name in nobody else 1 if name in one else 2 * PAGE for name in PAGES}
    assert read == {name: (count, True) for name, count in expected.items()}
