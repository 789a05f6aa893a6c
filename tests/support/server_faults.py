"""A database server that hangs, dies and comes back."""

import asyncio
import os
import signal
from collections.abc import Iterable
from contextlib import suppress

from adapters_postgres.embedded import EmbeddedPostgres
from adapters_postgres.embedded.data_directory import DataDirectory
from adapters_postgres.embedded.leftovers import working_in
from adapters_postgres.embedded.processes import server_account
from tests.support.stopwatches import stopwatch
from tests.support.waiting import LOOK_AGAIN_S, PATIENCE, until
from zero2prod_core.errors import Unavailable
from zero2prod_core.ports.store import UnitOfWork


def processes(server: EmbeddedPostgres) -> list[int]:
    """The postmaster and all its children."""
    return working_in(DataDirectory(server.data_dir, server_account()).cluster)


def hang(server: EmbeddedPostgres, *, only_postmaster: bool = False) -> None:
    """Stop its processes where they stand: nothing is refused, and nothing is answered."""
    postmaster = [] if server.pid is None else [server.pid]
    _send(signal.SIGSTOP, postmaster if only_postmaster else processes(server))


def go_on(server: EmbeddedPostgres) -> None:
    _send(signal.SIGCONT, processes(server))


def kill(server: EmbeddedPostgres) -> None:
    """All its processes at once, without warning; returns when the last is gone. What the kernel has of them stays."""
    _send(signal.SIGKILL, processes(server))
    assert until(lambda: server.pid is None and not processes(server))


def end_immediately(server: EmbeddedPostgres) -> None:
    """As ``pg_ctl stop -m immediate`` does: its processes leave everything as it is."""
    assert server.pid
    os.kill(server.pid, signal.SIGQUIT)
    assert until(lambda: server.pid is None and not processes(server))


def _send(signal_number: signal.Signals, pids: Iterable[int]) -> None:
    for pid in pids:
        # Sessions end at any time.
        with suppress(ProcessLookupError):
            os.kill(pid, signal_number)


async def seconds_until_used(uow: UnitOfWork) -> float:
    """How long it takes from now until a transaction succeeds."""
    async with stopwatch() as passed:
        while True:
            try:
                async with uow() as tx:
                    await tx.now()
                return passed()
            except Unavailable:
                assert passed() < PATIENCE
                await asyncio.sleep(LOOK_AGAIN_S)
