"""What does the ledger cost when an issue is published, beside the least that a queue could write down?

Publishing to a million readers is one transaction with all that the ledger wants to know of each. The least is a table
of two columns, which issue and to whom, each pair once.
"""

import sys

from adapters_postgres.embedded import EmbeddedPostgres
from benchmarks.support import Rates, judge, machine, run, sync_times, take_turns, timed
from benchmarks.support.engines import opened, publication
from tests.support.crowds import gather
from tests.support.databases import Database, migrated_database
from tests.support.postgres import scratch_directory
from zero2prod.runtime import Runtime
from zero2prod.testing.builders import origin

READERS = 1_000_000
ROUNDS = 3

PUBLISHING, TWO_COLUMNS = "zero2prod", "two columns"
LEAST = {(PUBLISHING, TWO_COLUMNS): 0.2}

TABLE = "CREATE TABLE two_columns (letter_id uuid, recipient_id uuid, PRIMARY KEY (letter_id, recipient_id))"
INSERT = """
INSERT INTO two_columns SELECT letter_id, id FROM gen_random_uuid() AS letter_id, subscriptions
WHERE status = 'confirmed'
"""


def main() -> int:
    """Print the machine, the rates and their ratio; 1 if it is too small."""
    with scratch_directory() as directory, EmbeddedPostgres(directory / "data") as server:
        print(f"{machine()}, PostgreSQL {server.version}")
        print(sync_times(directory / "synced"))
        print(f"{READERS:,} readers", flush=True)
        with migrated_database(server, "enqueueing") as database:
            gather(database, READERS)
            database.superuser.execute(TABLE)
            rates = run(measure(database))
    return judge("recipients", rates, LEAST)


async def measure(database: Database) -> Rates:
    async with opened(database.url) as runtime:
        contenders = {
            PUBLISHING: lambda: timed(READERS, publish(runtime)),
            TWO_COLUMNS: lambda: timed(READERS, insert(database)),
        }
        return await take_turns(ROUNDS, contenders)


async def publish(runtime: Runtime) -> None:
    issue = await runtime.application.publish(publication(), origin())
    assert issue.audience == READERS


async def insert(database: Database) -> None:
    inserted = database.superuser.execute(INSERT)
    assert inserted.rowcount == READERS


if __name__ == "__main__":
    sys.exit(main())
