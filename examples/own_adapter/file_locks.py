"""Locks between the processes of one machine, for programs whose store has none: a file for each, under flock(2)."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from urllib.parse import quote

from zero2prod_core.ports.store import Locks


class FileLocks(Locks):
    """The operating system gives a lock back with the block or with the process, whichever is first."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @asynccontextmanager
    async def try_hold(self, name: str) -> AsyncIterator[bool]:
        with self._held(self._directory / quote(name, safe="")) as mine:
            yield mine

    @contextmanager
    def _held(self, path: Path) -> Iterator[bool]:
        with path.open("w") as file:
            try:
                flock(file, LOCK_EX | LOCK_NB)
            except BlockingIOError:
                mine = False
            else:
                mine = True
            yield mine
