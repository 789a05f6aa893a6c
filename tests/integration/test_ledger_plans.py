"""A worker that has long been looking into an empty ledger does not read a full one from end to end, nor does one whose
ledger is full of old issues read those.

The server keeps the plans of prepared statements, and one that was made for a handful of rows would be kept until the
tables are analysed: a minute or more after an issue is published.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from datetime import timedelta
from typing import TypeAlias

import attrs
import pytest

from adapters_postgres.embedded import EmbeddedPostgres
from adapters_postgres.pool import Pool
from adapters_postgres.unit_of_work import PostgresUnitOfWork
from tests.support.databases import Database, migrated_database
from tests.support.pools import opened_pool
from zero2prod.testing.builders import T0, delivery, issue, later, new_id
from zero2prod.testing.ledger import Ledger, mark, ruling
from zero2prod_core.domain.deliveries import GIVE_UP_AFTER, Reply, Resolution, Sent, Uncertain
from zero2prod_core.domain.issues import IssueState
from zero2prod_core.domain.letters import Letter, UncertainPolicy

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

READERS = 5000

ENTRIES_READ = "SELECT sum(idx_tup_read)::bigint FROM pg_stat_user_indexes WHERE relname = 'deliveries'"

OLD_LETTERS = """
SET session_replication_role = replica;
INSERT INTO letters (letter_id, newsletter_id, kind, state, uncertain_policy, newsletter_issue_id, subject, priority)
SELECT md5('letter' || n)::uuid, '00000000-0000-7000-8000-000000000001', 'issue', 'closed', 'hold',
    md5('issue' || n)::uuid, n, 10
FROM generate_series(1, 50) n;
INSERT INTO deliveries (
    letter_id, recipient_id, recipient_kind, domain, email_digest, email_digest_key, state, attempts,
    uncertain_attempts, priority, resend_at, settled_at, give_up_at, created_at
)
SELECT md5('letter' || letter)::uuid, md5('reader' || reader)::uuid, 'subscriber', 'example.com',
    sha256(reader::text::bytea), 'k', CASE reader % 100 WHEN 0 THEN 'failed' WHEN 1 THEN 'uncertain' ELSE 'sent' END, 1,
    (reader % 100 = 1)::integer, 10, CASE reader % 100 WHEN 1 THEN timestamptz '2026-01-01' END,
    CASE reader % 100 WHEN 1 THEN NULL ELSE timestamptz '2026-01-01' END, '2026-01-05', '2026-01-01'
FROM generate_series(1, 50) letter, generate_series(1, 2000) reader;
SET session_replication_role = origin;
"""

ROWS_READ = """
SELECT sum(seq_tup_read)::bigint, sum(idx_tup_fetch)::bigint FROM pg_stat_user_tables
WHERE relname IN ('deliveries', 'letters')
"""

FEW = 200
"""Rows that a verb may read at each use, of 100,000: those of the one letter that it is about, and of each old letter a
handful.
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
    async with opened_pool(store.url, size=1) as pool:
        yield pool


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


A_PAGE = 5
"""Rows that, with what was updated of them, surely fit into one page."""

UPDATES = b"SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'deliveries'"


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


async def test_an_audience_that_was_just_imported_is_enqueued_without_reading_what_is_enqueued(
    postgres_server: EmbeddedPostgres,
) -> None:
    with migrated_database(postgres_server, "imported") as store:
        for table in ("deliveries", "subscriptions"):
            store.superuser.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)".encode())
        async with opened_pool(store.url, size=1) as pool:
            ledger = Ledger(PostgresUnitOfWork(pool))
            words = await ledger.letter()
            store.superuser.execute(MANY_READERS)
            assert await ledger.enqueue_audience(words) == READERS
            assert await entries_read(store, pool) == 0
            assert await ledger.enqueue_audience(words) == 0
            assert await entries_read(store, pool) <= 2 * READERS


async def entries_read(store: Database, pool: Pool) -> int:
    """How many entries of the ledger's indexes were read."""
    async with pool.connection() as connection:
        await connection.execute("SELECT pg_stat_force_next_flush()")
    store.superuser.execute("SELECT pg_stat_clear_snapshot()")
    ((read,),) = store.superuser.execute(ENTRIES_READ).fetchall()
    return int(read)


async def test_a_mark_touches_no_index(postgres_server: EmbeddedPostgres) -> None:
    with migrated_database(postgres_server, "marks") as store:
        async with opened_pool(store.url, size=1) as pool:
            ledger = Ledger(PostgresUnitOfWork(pool))
            words, readers = await ledger.letter(), await ledger.readers(A_PAGE)
            await ledger.enqueue(*(delivery(words, reader) for reader in readers))
            taken = await ledger.claim()
            before, untouched_before = await updates_of_rows(store, pool)
            assert await ledger.mark(*taken) == [True] * A_PAGE
            updated, untouched = await updates_of_rows(store, pool)
    assert (updated - before, untouched - untouched_before) == (A_PAGE, A_PAGE)


async def updates_of_rows(store: Database, pool: Pool) -> tuple[int, int]:
    """How many rows of the ledger were updated, and how many of these without touching an index."""
    async with pool.connection() as connection:
        await connection.execute("SELECT pg_stat_force_next_flush()")
    store.superuser.execute("SELECT pg_stat_clear_snapshot()")
    ((updated, untouched),) = store.superuser.execute(UPDATES).fetchall()
    return updated, untouched


Verb: TypeAlias = Callable[[Ledger, Letter], Awaitable[object]]


async def resend(ledger: Ledger, _: Letter) -> None:
    """The job that ends leases and sends again what is in doubt."""
    await ledger.expire(later(0))


async def finish(ledger: Ledger, _: Letter) -> None:
    async with ledger.uow() as tx:
        assert not await tx.issues.done([IssueState.SENDING], 10)


async def steer(ledger: Ledger, words: Letter) -> None:
    """What a person does first of all to an issue: its letter is held."""
    async with ledger.uow() as tx:
        assert await tx.letters.get_batch([words.id], lock=True)


async def publish_late(ledger: Ledger, words: Letter) -> None:
    """A confirmation, say, between all the others."""
    (reader,) = await ledger.readers(1)
    await ledger.enqueue(delivery(words, reader))
    for row in await ledger.claim(1):
        await ledger.postpone(row, until=later(1e6))
    await ledger.expire(later(31))


VERBS: Mapping[str, Verb] = {
    "claim and postpone": publish_late,
    "expire and resend": resend,
    "finish": finish,
    "hold": steer,
    "cancel": lambda ledger, _: ledger.cancel(),
    "compact": lambda ledger, _: ledger.compact(T0 - timedelta(days=30)),
    "recent": lambda ledger, words: ledger.recent(words),
    "doubtful": lambda ledger, words: ledger.doubtful(words, 10),
    "failures": lambda ledger, words: ledger.failures(words, 10),
    "possibly twice": lambda ledger, words: ledger.possibly_twice(words),
    "sums": lambda ledger, words: ledger.sums(words),
    "any sent": lambda ledger, words: ledger.any_sent(words),
    "unfinished": lambda ledger, _: ledger.unfinished(T0),
    "backlog": lambda ledger, _: ledger.backlog(T0),
    "revive": lambda ledger, words: ledger.revive(words),
    "resolve": lambda ledger, words: ledger.resolve(words, Resolution.ACCEPT, [new_id()]),
}


async def rows_read(aged: Database, pool: Pool) -> tuple[int, int]:
    """How many rows of ledger and letters were read by going through a table, and how many by an index."""
    async with pool.connection() as connection:
        await connection.execute("SELECT pg_stat_force_next_flush()")
    aged.superuser.execute("SELECT pg_stat_clear_snapshot()")
    ((throughout, by_index),) = aged.superuser.execute(ROWS_READ).fetchall()
    return throughout, by_index


@attrs.frozen
class Old:
    """A ledger with fifty old letters of 2,000 rows each, and a young one with a handful of rows."""

    database: Database
    pool: Pool
    words: Letter

    @property
    def ledger(self) -> Ledger:
        return Ledger(PostgresUnitOfWork(self.pool))


@pytest.fixture(params=["analysed", "planned while empty"])
async def old(postgres_server: EmbeddedPostgres, request: pytest.FixtureRequest) -> AsyncIterator[Old]:
    with migrated_database(postgres_server, "aged") as database:
        for table in ("deliveries", "letters", "subscriptions"):
            database.superuser.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)".encode())
        async with opened_pool(database.url, size=1) as pool:
            old = Old(database, pool, await Ledger(PostgresUnitOfWork(pool)).letter(uncertain=UncertainPolicy.HOLD))
            await make_young(old)
            if request.param == "planned while empty":
                for verb in VERBS.values():
                    for _ in range(OFTEN):
                        await verb(old.ledger, old.words)
            database.superuser.execute(OLD_LETTERS.encode())
            if request.param == "analysed":
                database.superuser.execute("ANALYZE")
            yield old


async def make_young(old: Old) -> None:
    """Some mails of the young letter: one was sent, one is in doubt, and some wait for long."""
    ledger = old.ledger
    async with ledger.uow() as tx:
        await tx.issues.add(issue(old.words))
    readers = await ledger.readers(5)
    await ledger.enqueue(*(delivery(old.words, reader) for reader in readers))
    first, second, *others = await ledger.claim()
    await ledger.mark(first, second)
    await ledger.report(first, OK)
    await ledger.report(second, Uncertain(Reply(None, "lost")))
    await ledger.postpone(*others, until=later(1e6))


async def test_old_letters_cost_nothing(old: Old) -> None:
    """Nor do the rows of theirs that are kept for good, failed or in doubt."""
    read: dict[str, tuple[int, bool]] = {}
    for name, verb in VERBS.items():
        before = await rows_read(old.database, old.pool)
        for _ in range(OFTEN):
            await verb(old.ledger, old.words)
        after = await rows_read(old.database, old.pool)
        read[name] = (after[0] - before[0], after[1] - before[1] <= OFTEN * FEW)
    assert read == dict.fromkeys(VERBS, (0, True))


async def test_what_is_old_is_compacted_piece_by_piece(old: Old) -> None:
    """Each piece reads its own rows and no more than are kept of the letters before."""
    before = await rows_read(old.database, old.pool)
    for _ in range(10):
        assert await old.ledger.compact(T0 - timedelta(days=1), 2000) == 2000
    after = await rows_read(old.database, old.pool)
    assert after[1] - before[1] <= 10 * 3 * 2000
