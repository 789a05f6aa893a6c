"""What are PIPELINING and CHUNKING worth where the relay is 50 ms away?

The same engine and ledger, with as many connections, send to relays that differ in what they offer. Without either the
worker waits for the reply to each command.
"""

import sys
from contextlib import AsyncExitStack, ExitStack
from functools import partial

from adapters_postgres.embedded import EmbeddedPostgres
from benchmarks.support import Rates, judge, machine, run, sync_times, take_turns
from benchmarks.support.distance import at_a_distance
from benchmarks.support.engines import deliver, working
from tests.support.counters import Counter, counting
from tests.support.postgres import scratch_directory

ROUND_TRIP = 50  # milliseconds
LANES = 16  # for issues
CONNECTIONS = LANES + 1  # the first is for urgent mail alone
ROUNDS = 3

STEPS, PIPELINING, CHUNKING = "reply by reply", "PIPELINING", "CHUNKING"
WITHOUT = {STEPS: ("PIPELINING", "CHUNKING"), PIPELINING: ("CHUNKING",), CHUNKING: ()}
READERS = {STEPS: 500, PIPELINING: 1_500, CHUNKING: 2_000}  # of an issue: five to ten seconds
LEAST = {(PIPELINING, STEPS): 1.8, (CHUNKING, STEPS): 3.4}


def main() -> int:
    """Print the machine, the rates and their ratios; 1 if one is too small."""
    with ExitStack() as stack:
        directory = stack.enter_context(scratch_directory())
        server = stack.enter_context(EmbeddedPostgres(directory / "data"))
        sinks = {name: stack.enter_context(counting(without=without)) for name, without in WITHOUT.items()}
        print(f"{machine()}, PostgreSQL {server.version}")
        print(sync_times(directory / "synced"))
        print(f"{ROUND_TRIP} ms for each round trip, {LANES} connections", flush=True)
        rates = run(measure(server, sinks))
    return judge("mails", rates, LEAST)


async def measure(server: EmbeddedPostgres, sinks: dict[str, Counter]) -> Rates:
    async with AsyncExitStack() as stack:
        engines = {}
        for name, sink in sinks.items():
            port = stack.enter_context(at_a_distance(sink.port, ROUND_TRIP))
            far = working(server, READERS[name], port, MAIL_SMTP_CONNECTIONS=CONNECTIONS)
            engines[name] = await stack.enter_async_context(far)
        return await take_turns(
            ROUNDS, {name: partial(deliver, engine, sinks[name]) for name, engine in engines.items()}
        )


if __name__ == "__main__":
    sys.exit(main())
