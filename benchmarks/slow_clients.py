"""How long do people wait for whom a thousand slow clients hold connections?

Sign-ups at one site, in turns alone and beside a thousand connections from as many network addresses, a third of which
never end a request's head, a third a body, and a third never read an answer. They are in a process of their own.
"""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

from adapters_postgres.embedded import EmbeddedPostgres
from benchmarks.support import machine, run
from benchmarks.support.sites import GATHERED, site
from benchmarks.support.visitors import visit
from tests.support.databases import migrated_database
from tests.support.postgres import scratch_directory
from tests.support.slow_clients import slow_clients
from tests.support.waiting import eventually
from zero2prod.processes import raise_file_limit

SLOW = 1000
CONNECTIONS = 64
VISITS = 4000
ROUNDS = 5

MOST = 3.0
"""How much longer the slowest hundredth may wait."""


def main() -> int:
    """Print the waits and their ratio; 1 where it is too large."""
    with scratch_directory() as directory, EmbeddedPostgres(directory / "data") as server:
        print(f"{machine()}, PostgreSQL {server.version}", flush=True)
        with migrated_database(server, "slow_clients") as database, site(GATHERED, database.url) as port:
            alone, beside = run(measure(port))
    ratio = median(beside) / median(alone)
    print(f"p99 of sign-ups alone: {1000 * median(alone):.1f} ms; beside {SLOW:,} slow: {1000 * median(beside):.1f} ms")
    print(f"beside / alone: {ratio:.2f} (at most {MOST:g})")
    return int(ratio > MOST)


async def measure(port: int) -> tuple[list[float], list[float]]:
    """The 99th percentiles of each round."""
    alone, beside = list[float](), list[float]()
    await visit([port], CONNECTIONS, CONNECTIONS * 10)
    for turn in range(1, ROUNDS + 1):
        print(f"round {turn} of {ROUNDS}", file=sys.stderr)
        alone.append((await visit([port], CONNECTIONS, VISITS)).p99)
        with crowded(port):
            beside.append((await visit([port], CONNECTIONS, VISITS)).p99)
    return alone, beside


@contextmanager
def crowded(port: int) -> Iterator[None]:
    """With all slow clients there."""
    command = [sys.executable, "-m", "benchmarks.slow_clients", str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        try:
            assert process.stdout.readline() == b"there\n"
            yield
        except BaseException:
            process.kill()
            raise
    assert process.returncode == 0, "they did not all stay"


async def be_slow(port: int) -> None:
    """Stay until nobody waits at the other end of standard input."""
    async with slow_clients(port, SLOW) as crowd:
        assert await eventually(crowd.all_arrived)
        print("there", flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        raise_file_limit()
        sys.exit(run(be_slow(int(sys.argv[1]))))
    sys.exit(main())
