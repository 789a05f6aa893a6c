"""A relay that is far away: ``python -m benchmarks.support.distance PORT MILLISECONDS``.

Passes connections on to a port of this machine. Whatever is said takes half of so many milliseconds each way, and as
much may be on its way at one time as the two ends like. Its first line on stdout is its own port.
"""

import asyncio
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from benchmarks.support import run

__all__ = ["at_a_distance"]


@contextmanager
def at_a_distance(port: int, milliseconds: int) -> Iterator[int]:
    """The port by which another one is so far away."""
    command = [sys.executable, "-m", "benchmarks.support.distance", str(port), str(milliseconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


class End(asyncio.Protocol):
    """One end of a connection: what comes in here goes out at the other, later; None says that no more will come."""

    def __init__(self, delay: float) -> None:
        self.other: End | None = None
        self._delay = delay
        self._line: asyncio.Transport | None = None
        self._early: deque[bytes | None] = deque()
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._line = cast(asyncio.Transport, transport)
        while self._early:
            self.put(self._early.popleft())

    def data_received(self, data: bytes) -> None:
        self._pass(data)

    def connection_lost(self, _: Exception | None) -> None:
        self._pass(None)

    def _pass(self, data: bytes | None) -> None:
        assert self.other
        self._loop.call_later(self._delay, self.other.put, data)

    def put(self, data: bytes | None) -> None:
        if self._line is None:
            self._early.append(data)
        elif data is None:
            self._line.close()
        else:
            self._line.write(data)


async def main(port: int, milliseconds: int) -> None:
    loop, delay, connecting = asyncio.get_running_loop(), milliseconds / 2000, set[asyncio.Task[object]]()

    def near() -> End:
        ours, theirs = End(delay), End(delay)
        ours.other, theirs.other = theirs, ours
        task: asyncio.Task[object] = loop.create_task(loop.create_connection(lambda: theirs, "127.0.0.1", port))
        connecting.add(task)
        task.add_done_callback(connecting.discard)
        return ours

    server = await loop.create_server(near, "127.0.0.1", 0, backlog=256)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    run(main(*map(int, sys.argv[1:])))
