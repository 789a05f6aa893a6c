"""Is the engine as fast for a million readers as for ten thousand, and does it need no more memory?

The whole engine, to a sink that counts. The large audience goes in between the small ones, so that whatever else the
machine does meets them all.
"""

import sys
from contextlib import AsyncExitStack
from itertools import permutations

from adapters_postgres.embedded import EmbeddedPostgres
from benchmarks.support import Rates, judge, machine, run, sync_times
from benchmarks.support.engines import deliver, working
from benchmarks.support.sinks import CountingSink, counting_sink
from tests.support.postgres import scratch_directory

LANES = 64  # for issues: a settled batch has at most one mail of each
CONNECTIONS = LANES + 1  # the first is for urgent mail alone
SMALL, MIDDLE, LARGE = 10_000, 100_000, 1_000_000
ORDER = (SMALL, MIDDLE, SMALL, LARGE, SMALL, MIDDLE, SMALL)  # about five minutes, most of it for the largest
LEAST = 0.7


def main() -> int:
    """Print the machine, the rates and their ratios; 1 if one is too small."""
    with scratch_directory() as directory, EmbeddedPostgres(directory / "data") as server, counting_sink() as sink:
        print(f"{machine()}, PostgreSQL {server.version}")
        print(sync_times(directory / "synced"), flush=True)
        rates = run(measure(server, sink))
    return judge("mails", rates, dict.fromkeys(permutations(rates, 2), LEAST))


async def measure(server: EmbeddedPostgres, sink: CountingSink) -> Rates:
    rates: Rates = {_name(readers): [] for readers in sorted(set(ORDER))}
    async with AsyncExitStack() as stack:
        engines = {}
        for readers in sorted(set(ORDER)):
            idle = working(server, readers, sink.port, MAIL_SMTP_CONNECTIONS=CONNECTIONS)
            engines[readers] = await stack.enter_async_context(idle)
        for readers in ORDER:
            print(f"an issue to {_name(readers)}", file=sys.stderr)
            rates[_name(readers)].append(await deliver(engines[readers], sink))
        for readers, engine in engines.items():
            print(f"the worker for {_name(readers)} needed {engine.needed}")
    return rates


def _name(readers: int) -> str:
    return f"{readers:,} readers"


if __name__ == "__main__":
    sys.exit(main())
