"""What do sign-ups gain by being written together?

The same site three times, with the database and the visitors on the same machine: sign-ups gathered into one
transaction, each in a transaction of its own (the plain way, with the same effects), and not written at all, which is
the most that the rest of the site could answer. Beside them, two processes of the first.
"""

import sys
from contextlib import ExitStack
from statistics import median

from adapters_postgres.embedded import EmbeddedPostgres
from benchmarks.support import judge, machine, run, sync_times
from benchmarks.support.sites import GATHERED, NOTHING, PLAIN, site
from benchmarks.support.visitors import Answers, visit
from tests.support.databases import migrated_database
from tests.support.postgres import scratch_directory

CONNECTIONS = 64
ROUNDS = 5

VISITS = {GATHERED: 6000, PLAIN: 2000, NOTHING: 12_000}
ALONE = WARM_UP = 400

TWO = "two processes"
LEAST = {(GATHERED, PLAIN): 3.0}

SLOWEST_ALONE = 1.25
"""How much longer than in the plain way somebody who comes alone may wait."""


def main() -> int:
    """Print the machine, the rates and their ratios, and the waits; 1 where one misses what is demanded."""
    with scratch_directory() as directory, ExitStack() as stack:
        server = stack.enter_context(EmbeddedPostgres(directory / "data"))
        print(f"{machine()}, PostgreSQL {server.version}")
        print(sync_times(directory / "synced"), flush=True)
        url = stack.enter_context(migrated_database(server, "sign_ups")).url
        ports = {way: [stack.enter_context(site(way, url))] for way in VISITS}
        ports[TWO] = [*ports[GATHERED], stack.enter_context(site(GATHERED, url))]
        crowds, alone = run(measure(ports))
    missed = judge("sign-ups", {way: [each.rate for each in found] for way, found in crowds.items()}, LEAST)
    return missed | wait(crowds, alone)


async def measure(ports: dict[str, list[int]]) -> tuple[dict[str, list[Answers]], dict[str, list[Answers]]]:
    """In turns, what a crowd and what one visitor after another get."""
    crowds: dict[str, list[Answers]] = {way: [] for way in ports}
    alone: dict[str, list[Answers]] = {way: [] for way in (GATHERED, PLAIN)}
    for found in ports.values():
        await visit(found, len(found), WARM_UP)
    for turn in range(1, ROUNDS + 1):
        print(f"round {turn} of {ROUNDS}", file=sys.stderr)
        for way, found in ports.items():
            crowds[way].append(await visit(found, CONNECTIONS, VISITS.get(way, VISITS[GATHERED])))
        for way, answers in alone.items():
            answers.append(await visit(ports[way], 1, ALONE))
    return crowds, alone


def wait(crowds: dict[str, list[Answers]], alone: dict[str, list[Answers]]) -> int:
    """Print how long visitors wait; 1 where that is too long."""
    slowest = {way: median(each.p99 for each in crowds[way]) for way in crowds}
    for way, seconds in slowest.items():
        print(f"{way}: p99 {1000 * seconds:.1f} ms at {CONNECTIONS} connections")
    usual = {way: median(each.median for each in answers) for way, answers in alone.items()}
    for way, seconds in usual.items():
        print(f"{way}: p50 {1000 * seconds:.2f} ms alone")
    ratio = usual[GATHERED] / usual[PLAIN]
    print(f"alone, {GATHERED} / {PLAIN}: {ratio:.2f} (at most {SLOWEST_ALONE:g})")
    print(f"p99, {GATHERED} / {PLAIN}: {slowest[GATHERED] / slowest[PLAIN]:.2f} (at most 1)")
    return int(ratio > SLOWEST_ALONE or slowest[GATHERED] > slowest[PLAIN])


if __name__ == "__main__":
    sys.exit(main())
