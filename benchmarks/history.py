"""Does a ledger that remembers many old issues claim as fast as an empty one?

A worker's batches, claimed, marked and settled, for an issue of its own: over nothing else, and over fifty finished
issues to a hundred thousand readers each, none of them compacted yet.
"""

import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from functools import partial

from adapters_postgres.embedded import EmbeddedPostgres
from adapters_postgres.pool import Pool
from adapters_postgres.unit_of_work import PostgresUnitOfWork
from benchmarks.ledger import deliver
from benchmarks.support import Rates, judge, machine, run, sync_times, take_turns, timed
from tests.support.crowds import gather
from tests.support.databases import Database, migrated_database
from tests.support.postgres import scratch_directory
from zero2prod.testing.builders import number
from zero2prod.testing.ledger import Ledger
from zero2prod_core.domain.deliveries import GIVE_UP_AFTER
from zero2prod_core.ports.store import UnitOfWork

ISSUES, READERS = 50, 100_000
CLAIMED, BATCH = 10_000, 500  # of a round, and of a claim
ROUNDS = 5

LOADED, EMPTY = f"behind {ISSUES} issues of {READERS:,}", "empty"
LEAST = {(LOADED, EMPTY): 0.7}

OLD_ISSUE = """
WITH letter AS (
    INSERT INTO letters (
        letter_id, newsletter_id, kind, state, uncertain_policy, subject, text_body, priority, dated_at
    )
    SELECT gen_random_uuid(), newsletter_id, 'issue', 'closed', 'resend', 'Words', 'Some words.', 5, now()
    FROM newsletters WHERE slug = 'default'
    RETURNING letter_id
)
INSERT INTO deliveries (
    letter_id, recipient_id, recipient_kind, domain, email_digest, email_digest_key, state, attempts, priority,
    give_up_at, settled_at, reply_code, reply, created_at
)
SELECT
    letter_id, id, 'subscriber', email_domain, email_digest, email_digest_key, 'sent', 1, 5, now() + interval '5 days',
    now(), 250, '2.0.0 Ok: queued', now()
FROM letter, subscriptions
"""


def main() -> int:
    """Print the machine, the rates and their ratio; 1 if it is too small."""
    with ExitStack() as stack:
        directory = stack.enter_context(scratch_directory())
        server = stack.enter_context(EmbeddedPostgres(directory / "data"))
        print(f"{machine()}, PostgreSQL {server.version}")
        print(sync_times(directory / "synced"), flush=True)
        databases = {
            name: stack.enter_context(migrated_database(server, f"history_{number()}")) for name in (LOADED, EMPTY)
        }
        for name, database in databases.items():
            gather(database, READERS)
            if name == LOADED:
                remember(database)
        rates = run(measure({name: database.url for name, database in databases.items()}))
    return judge("deliveries", rates, LEAST)


def remember(database: Database) -> None:
    """Fifty old issues, and the planner told of them."""
    for issue in range(1, ISSUES + 1):
        print(f"old issue {issue} of {ISSUES}", file=sys.stderr)
        database.superuser.execute(OLD_ISSUE)
    database.superuser.execute("VACUUM ANALYZE")


async def measure(urls: Mapping[str, str]) -> Rates:
    async with AsyncExitStack() as stack:
        stores = {name: PostgresUnitOfWork(await stack.enter_async_context(pool(url))) for name, url in urls.items()}
        for uow in stores.values():
            await publish(uow)
        return await take_turns(ROUNDS, {name: partial(batches, uow) for name, uow in stores.items()})


@asynccontextmanager
async def pool(url: str) -> AsyncIterator[Pool]:
    opened = Pool(url, size=1)
    await opened.open()
    try:
        yield opened
    finally:
        await opened.close()


async def publish(uow: UnitOfWork) -> None:
    """A new issue, more than is claimed of it."""
    ledger = Ledger(uow)
    letter = await ledger.letter()
    async with uow() as tx:
        assert await tx.deliveries.enqueue_audience(letter, GIVE_UP_AFTER) == READERS


async def batches(uow: UnitOfWork) -> float:
    async def work() -> None:
        for _ in range(CLAIMED // BATCH):
            await deliver(uow, BATCH)

    return await timed(CLAIMED, work())


if __name__ == "__main__":
    sys.exit(main())
