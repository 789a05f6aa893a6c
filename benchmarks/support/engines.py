"""The whole engine: a worker in a process of its own over a ledger, and what makes it deliver an issue."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Protocol

import attrs

from adapters_postgres.embedded import EmbeddedPostgres
from benchmarks.support.sinks import PARAGRAPH
from tests.support.crowds import gather
from tests.support.databases import migrated_database
from tests.support.services import MEMORY_AT_MOST, SECRET_KEYS, Installation, Service
from tests.support.waiting import eventually
from zero2prod.runtime import Runtime, running
from zero2prod.settings import DatabaseSettings, SecretSettings, Settings
from zero2prod.testing.builders import number, origin
from zero2prod_core.domain.deliveries import UNFINISHED, DeliveryState
from zero2prod_core.domain.idempotency import IdempotencyKey
from zero2prod_core.domain.issues import Content
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER
from zero2prod_core.usecases.issues import Publication

__all__ = [
    "Engine",
    "InMemory",
    "deliver",
    "in_memory",
    "opened",
    "publication",
    "working",
]

PATIENCE = 900.0
"""Seconds for an issue: a few times what the largest takes."""


class Publisher(Protocol):
    """What delivers an issue to an audience of its own."""

    async def publish(self) -> int:
        """When this returns an issue is there, to be delivered to so many readers."""

    async def finish(self) -> None:
        """When this returns the ledger knows that all of them have it."""


class Sink(Protocol):
    """What counts mails."""

    def accepted(self, mails: int, seconds: float) -> int:
        """Wait until so many mails were taken in all, and say how many it were then."""


async def deliver(publisher: Publisher, sink: Sink) -> float:
    """Mails per second of an issue, from its publication until the last is taken. Nobody else may use the sink."""
    before = sink.accepted(0, PATIENCE)
    audience = await publisher.publish()
    began = time.perf_counter()
    await asyncio.to_thread(sink.accepted, before + audience, PATIENCE)
    rate = audience / (time.perf_counter() - began)
    await publisher.finish()
    assert sink.accepted(0, PATIENCE) == before + audience
    return rate


def publication() -> Publication:
    """An issue in text and HTML, of the size that newsletters have."""
    content = Content.parse("What we read this week", f"{PARAGRAPH}\n" * 31, f"<p>{PARAGRAPH}</p>\n" * 31)
    return Publication(DEFAULT_NEWSLETTER.slug, content, IdempotencyKey(f"issue {number()}"))


class Engine:
    """A ``zero2prod worker`` over PostgreSQL, and the application over the same."""

    def __init__(self, runtime: Runtime, worker: Service) -> None:
        self._application = runtime.application
        self._worker = worker
        self._idle = worker.processor_time
        self._mails = 0

    @property
    def needed(self) -> str:
        """What the worker has needed until now, in words."""
        each = 1_000_000 * (self._worker.processor_time - self._idle) / self._mails
        return f"{self._worker.peak_memory:.0f} MB, and {each:.0f} µs of a processor for each mail"

    async def publish(self) -> int:
        audience = (await self._application.publish(publication(), origin())).audience
        self._mails += audience
        return audience

    async def finish(self) -> None:
        assert await eventually(self._is_over, PATIENCE)

    async def _is_over(self) -> bool:
        (issue,) = await self._application.list_issues(1)
        sums = (await self._application.show_issue(issue.id)).sums
        assert sums.keys() <= {*UNFINISHED, DeliveryState.SENT}, sums
        return sums == {DeliveryState.SENT: issue.audience}


@asynccontextmanager
async def working(server: EmbeddedPostgres, readers: int, port: int, **settings: object) -> AsyncIterator[Engine]:
    """A worker over a new database of the server; at the end it must not have needed too much memory.

    Args:
        server: where the database is made.
        readers: who gets each issue.
        port: the relay's, on this machine.
        settings: further ones, by their names without prefix.
    """
    with migrated_database(server, f"engine_{number()}") as database:
        gather(database, readers)
        installation = Installation.over(database.url, port, **settings)
        with installation.working() as worker:
            async with opened(database.url) as runtime:
                yield Engine(runtime, worker)
            assert worker.peak_memory <= MEMORY_AT_MOST


def opened(url: str) -> AbstractAsyncContextManager[Runtime]:
    """The application over a database."""
    return running(Settings(database=DatabaseSettings(url=url), secret=SecretSettings(keys=SECRET_KEYS)))


@attrs.frozen
class InMemory:
    """A worker over the ledger in memory, in a process of its own."""

    readers: int
    process: "subprocess.Popen[str]"

    async def publish(self) -> int:
        self._tell("publish", "published")
        return self.readers

    async def finish(self) -> None:
        self._tell("finish", "finished")

    def _tell(self, word: str, answer: str) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == f"{answer}\n"


@contextmanager
def in_memory(readers: int, port: int, connections: int) -> Iterator[InMemory]:
    """One with so many readers."""
    arguments = map(str, (readers, port, connections))
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.support.in_memory", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield InMemory(readers, process)
        finally:
            process.kill()
