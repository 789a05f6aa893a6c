"""A worker that has long been looking into an empty ledger does not read a full one from end to end.

The server keeps the plans of prepared statements, and one that was made for a handful of rows would be kept until the
tables are analysed: a minute or more after an issue is published.
"""

from collections.abc import AsyncIterator, Iterator

import pytest

from adapters_postgres.embedded import EmbeddedPostgres
from adapters_postgres.pool import Pool
from adapters_postgres.unit_of_work import PostgresUnitOfWork
from tests.support.databases import Database, migrated_database
from zero2prod.testing.builders import T0, delivery, new_id
from zero2prod.testing.ledger import Ledger, mark, ruling
from zero2prod_core.domain.deliveries import GIVE_UP_AFTER, Reply, Sent

OK = Sent(Reply(250, "ok"))

OFTEN = 12
"""The driver prepares a statement at its sixth use, and the server keeps its plan at the sixth after that."""

MANY_READERS = """
INSERT INTO subscriptions (
    id, newsletter_id, email, email_key, email_domain, email_digest, email_digest_key, name, status, subscribed_at
)
SELECT md5(n::text)::uuid, '00000000-0000-7000-8000-000000000001', n, n, 'example.com', sha256(n::text::bytea), 'k', n,
    'confirmed', now()
FROM generate_series(1, 5000) n
"""

READ_THROUGHOUT = """
SELECT relname, seq_tup_read FROM pg_stat_user_tables WHERE relname IN ('deliveries', 'subscriptions')
"""


@pytest.fixture(scope="module")
def store(postgres_server: EmbeddedPostgres) -> Iterator[Database]:
    with migrated_database(postgres_server, "plans") as database:
        for table in ("deliveries", "subscriptions"):
            database.superuser.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)".encode())
        yield database


@pytest.fixture
async def pool(store: Database) -> AsyncIterator[Pool]:
    pool = Pool(store.url, size=1)
    await pool.open()
    yield pool
    await pool.close()


async def send(ledger: Ledger, limit: int) -> int:
    """What a worker does with one batch; returns how many rows it had."""
    rows = await ledger.claim(limit)
    await ledger.mark(*rows)
    await ledger.settle([ruling(row, OK) for row in rows], [mark(row) for row in rows])
    for lease in {row.lease for row in rows}:
        await ledger.release(lease)
    return len(rows)


async def rows_read_throughout(store: Database, pool: Pool) -> int:
    """How many rows of big tables were read by going through the whole table."""
    async with pool.connection() as connection:
        await connection.execute("SELECT pg_stat_force_next_flush()")
    store.superuser.execute("SELECT pg_stat_clear_snapshot()")
    return sum(count for _, count in store.superuser.execute(READ_THROUGHOUT).fetchall())


async def test_plans_of_an_empty_ledger_serve_a_full_one(store: Database, pool: Pool) -> None:
    ledger = Ledger(PostgresUnitOfWork(pool))
    words, (reader,) = await ledger.letter(), await ledger.readers(1)
    for _ in range(OFTEN):
        await ledger.enqueue(delivery(words, reader, new_id()))
        assert await send(ledger, 10) == 1
    store.superuser.execute(MANY_READERS)
    async with ledger.uow() as tx:
        await tx.deliveries.enqueue_audience(words, GIVE_UP_AFTER, T0)
    before = await rows_read_throughout(store, pool)
    for _ in range(OFTEN):
        assert await send(ledger, 10) == 10
    assert await rows_read_throughout(store, pool) == before
