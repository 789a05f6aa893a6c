"""Many clients who are slow on purpose, each at its own network address of loopback, and who come back when closed."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

ENDLESS_HEAD = b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "

ENDLESS_BODY = (
    b"POST /subscriptions HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: 16000\r\n\r\nname="
)

# The largest file of the site, often enough that the system cannot keep all answers by itself.
MANY_ANSWERS = b"GET /static/pico.min.css HTTP/1.1\r\nHost: x\r\n\r\n" * 100

BEGINNINGS = (ENDLESS_HEAD, ENDLESS_BODY, MANY_ANSWERS)

# Seconds between two bytes of one client.
DRIBBLES_EVERY = 0.5

# Bytes that a client's system takes of answers that it does not read: the least that Linux gives.
TAKES = 2048


def loopback(number: int, net: int = 0) -> str:
    """The network address of this number, in 127.``net``.0.0/16."""
    return f"127.{net}.{1 + number // 250}.{1 + number % 250}"


class _Slow(asyncio.Protocol):
    transport: asyncio.Transport

    def __init__(self) -> None:
        self.gone = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # That of uvloop is one without saying so.
        self.transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.gone.done():
            self.gone.set_result(None)


class SlowClients:
    """A third never ends a head, a third never ends a body, a third never reads an answer."""

    def __init__(self, port: int, number: int) -> None:
        self._port = port
        self._number = number
        self._arrived: set[int] = set()
        self.times_closed = 0

    async def all_arrived(self) -> bool:
        """Whether each of them has been connected at least once."""
        return len(self._arrived) == self._number

    async def stay(self, place: int) -> None:
        while True:
            slow = await self._arrive(place)
            try:
                while not slow.gone.done():
                    slow.transport.write(b"\r\n" if place % 3 == 2 else b"a")
                    await asyncio.wait({slow.gone}, timeout=DRIBBLES_EVERY)
                self.times_closed += 1
            finally:
                slow.transport.abort()

    async def _arrive(self, place: int) -> _Slow:
        client, loop = socket.socket(), asyncio.get_running_loop()
        try:
            client.setblocking(False)
            if place % 3 == 2:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, TAKES)
            client.bind((loopback(place), 0))
            await loop.sock_connect(client, ("127.0.0.1", self._port))
            _, slow = await loop.create_connection(_Slow, sock=client)
        except BaseException:
            client.close()
            raise
        if place % 3 == 2:
            slow.transport.pause_reading()
        slow.transport.write(BEGINNINGS[place % 3])
        self._arrived.add(place)
        return slow


@asynccontextmanager
async def slow_clients(port: int, number: int) -> AsyncIterator[SlowClients]:
    """So many of them, until the block ends."""
    clients = SlowClients(port, number)
    staying = [asyncio.create_task(clients.stay(place)) for place in range(number)]
    try:
        yield clients
    finally:
        for task in staying:
            task.cancel()
        ends = await asyncio.gather(*staying, return_exceptions=True)
    assert all(isinstance(end, asyncio.CancelledError) for end in ends), "a slow client was not let in again"
