"""What does claiming and settling deliveries in batches of 500 gain over one at a time?

A batch is what a worker asks of the ledger for it: a claim, marks, and results, each committed to the disk by itself.
"""

import asyncio
import sys
import time
from statistics import median

import psycopg

from adapters_postgres.embedded import EmbeddedPostgres
from adapters_postgres.migrate import migrate
from adapters_postgres.pool import Pool
from adapters_postgres.unit_of_work import PostgresUnitOfWork
from benchmarks.support import machine, sync_times
from tests.support.postgres import scratch_directory
from zero2prod.testing.builders import new_id
from zero2prod.testing.ledger import LASTS, Ledger, mark, ruling
from zero2prod_core.domain.deliveries import GIVE_UP_AFTER, Reply, Sent
from zero2prod_core.ports.store import UnitOfWork

LEAST_GAIN = 5  # a tenth of what was measured when batches were designed; less would not be worth their code
ROUNDS = 5
ROWS = {1: 200, 500: 5_000}  # of a round, by size of batch: each takes a second or two, and the sizes take turns
SENT = Sent(Reply(250, "2.0.0 Ok: queued"))


def main() -> int:
    """Print the machine, the rates and their ratio; 1 if it is too small."""
    with scratch_directory() as directory, EmbeddedPostgres(directory / "data") as server:
        print(f"{machine()}, PostgreSQL {server.version}")
        print(sync_times(directory / "synced"), flush=True)
        migrate(server.owner_url, server.url)
        rates = asyncio.run(measure(server))
    return judge(rates)


async def measure(server: EmbeddedPostgres) -> dict[int, list[float]]:
    """Rows per second in each round, by size of batch."""
    pool = Pool(server.url, size=1)
    await pool.open()
    try:
        uow = PostgresUnitOfWork(pool)
        await enqueue(uow, ROUNDS * sum(ROWS.values()))
        settle_down(server)
        return await take_turns(uow)
    finally:
        await pool.close()


async def enqueue(uow: UnitOfWork, count: int) -> None:
    """Confirmed readers, and a letter to them all."""
    print(f"enqueuing {count:,} deliveries", file=sys.stderr)
    ledger = Ledger(uow)
    await ledger.readers(count)
    letter = await ledger.letter()
    async with uow() as tx:
        assert await tx.deliveries.enqueue_audience(letter, GIVE_UP_AFTER) == count


def settle_down(server: EmbeddedPostgres) -> None:
    """Tell the planner of the new rows now, not in the middle of a round."""
    with psycopg.connect(server.superuser_url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


async def take_turns(uow: UnitOfWork) -> dict[int, list[float]]:
    rates: dict[int, list[float]] = {batch: [] for batch in ROWS}
    for turn in range(1, ROUNDS + 1):
        print(f"round {turn} of {ROUNDS}", file=sys.stderr)
        for batch, rows in ROWS.items():
            began = time.perf_counter()
            for _ in range(rows // batch):
                await deliver(uow, batch)
            rates[batch].append(rows / (time.perf_counter() - began))
    return rates


async def deliver(uow: UnitOfWork, batch: int) -> None:
    """One batch through the ledger, as if a relay took every mail of it."""
    async with uow() as tx:
        claimed = await tx.deliveries.claim_batch(new_id(), "worker", LASTS, batch, urgent=False)
    async with uow() as tx:
        granted = (await tx.deliveries.settle_batch([], [mark(each) for each in claimed])).granted
    async with uow() as tx:
        applied = (await tx.deliveries.settle_batch([ruling(each, SENT) for each in claimed], [])).applied
    assert granted == applied == (True,) * batch


def judge(rates: dict[int, list[float]]) -> int:
    print(f"{'batch':>6} {'rows/s, median':>15} {'least':>8} {'most':>8}")
    for batch, found in rates.items():
        print(f"{batch:>6} {median(found):>15,.0f} {min(found):>8,.0f} {max(found):>8,.0f}")
    one, many = (median(found) for found in rates.values())
    print(f"ratio of medians: {many / one:.1f} (at least {LEAST_GAIN})")
    return 0 if many / one >= LEAST_GAIN else 1


if __name__ == "__main__":
    sys.exit(main())
