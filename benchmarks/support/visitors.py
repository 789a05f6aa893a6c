"""Visitors who sign up at a site, as fast as it answers: one request after another on each of so many connections."""

import asyncio
import re
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from statistics import quantiles
from typing import cast
from urllib.parse import urlencode

import attrs

from zero2prod.testing.builders import number

__all__ = ["Answers", "form", "request", "visit"]

LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)
HEAD_ENDS = b"\r\n\r\n"


@attrs.frozen
class Answers:
    """What came of a crowd: how many answers per second, and how long they took, in ascending order."""

    rate: float
    seconds: Sequence[float]

    @property
    def median(self) -> float:
        return self.seconds[len(self.seconds) // 2]

    @property
    def p99(self) -> float:
        return quantiles(self.seconds, n=100)[-1]


def request(method: str, target: str, body: bytes = b"", **headers: str) -> bytes:
    """A request of HTTP/1.1 that keeps its connection."""
    fields = {"Host": "localhost", "Content-Length": str(len(body))} | headers
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return f"{method} {target} HTTP/1.1\r\n{lines}\r\n".encode() + body


def form() -> bytes:
    """The form of somebody who has never signed up."""
    body = urlencode({"name": "Ada", "email": f"reader-{time.time_ns()}-{number()}@example.com"}).encode()
    return request("POST", "/subscriptions", body, Content_Type="application/x-www-form-urlencoded")


async def visit(ports: Sequence[int], connections: int, visits: int, make: Callable[[], bytes] = form) -> Answers:
    """Make so many requests on so many connections, which are spread over the ports."""
    requests, loop = islice(iter(make, b""), visits), asyncio.get_running_loop()
    crowd = [_Visitor(requests) for _ in range(connections)]
    for place, visitor in enumerate(crowd):
        await loop.create_connection(partial(_itself, visitor), "127.0.0.1", ports[place % len(ports)])
    began = time.perf_counter()
    for visitor in crowd:
        visitor.go_on()
    await asyncio.gather(*(visitor.done for visitor in crowd))
    took = time.perf_counter() - began
    seconds = sorted(each for visitor in crowd for each in visitor.seconds)
    assert len(seconds) == visits
    return Answers(visits / took, seconds)


def _itself(visitor: "_Visitor") -> "_Visitor":
    return visitor


class _Visitor(asyncio.Protocol):
    def __init__(self, requests: Iterator[bytes]) -> None:
        self.seconds: list[float] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._requests = requests
        self._answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._line = cast(asyncio.WriteTransport, transport)

    def go_on(self) -> None:
        wanted = next(self._requests, None)
        if wanted is None:
            self.done.set_result(None)
            self._line.close()
            return
        self._asked = time.perf_counter()
        self._line.write(wanted)

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, ends, body = self._answer.partition(HEAD_ENDS)
        if not ends:
            return
        length = LENGTH.search(head + b"\r\n")
        assert length
        assert head.startswith(b"HTTP/1.1 200 "), head
        if len(body) >= int(length[1]):
            self.seconds.append(time.perf_counter() - self._asked)
            self._answer = b""
            self.go_on()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error or ConnectionError("the site closed a connection"))
