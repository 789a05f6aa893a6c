"""What a process tells of itself: its own numbers, and the ledger's backlog, which it asks the store for."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager

import structlog

from adapters_http.instruments import Instruments
from adapters_system.telemetry import PrometheusTelemetry
from zero2prod.services import Kept
from zero2prod_core.domain.letters import LetterKind
from zero2prod_core.errors import Zero2ProdError
from zero2prod_core.ports.deliveries import Backlog
from zero2prod_core.ports.telemetry import Reading, Readings, Telemetry

log = structlog.get_logger(__name__)

LAG_EVERY = 1.0
"""Seconds between looks at the loop's lateness: enough of them for a quantile, and too few to be noticed."""

PATIENCE = 2.5
"""Seconds that a scrape waits for the store, which takes less than 2 to be found away; Prometheus waits for 10."""

FRESH = 5.0
"""Seconds for which a backlog is not read again, however many scrape."""

SHARE = 20
"""Reading the backlog may take a twentieth of the time: a million due deliveries are counted in about a second."""

RARELY = 60.0
"""Seconds after which it is read again whatever it costs, and for which an old one is told while that takes long."""

ReadsBacklog = Callable[[], Awaitable[Mapping[LetterKind, Backlog]]]


class StoreWatch:
    """The backlog as it was last read, and whether the store answered then.

    One task reads for all who ask. A scrape waits for it for a while and then tells what was known before, so that it
    hangs on nothing; what is too old is not told.
    """

    def __init__(self, read: ReadsBacklog) -> None:
        self._read = read
        self._known: Mapping[LetterKind, Backlog] = {}
        self._is_up: bool | None = None
        self._stale_at = 0.0
        self._reading: asyncio.Task[None] | None = None

    async def look(self) -> None:
        """Have the backlog read again if it is stale, and wait for that, but not for long."""
        if self._reading is None and self._now() >= self._stale_at:
            self._reading = asyncio.create_task(self._look())
        if reading := self._reading:
            done, _ = await asyncio.wait({reading}, timeout=PATIENCE)
            for each in done:
                each.result()

    def readings(self) -> Iterable[Reading]:
        if self._is_up is not None:
            yield Reading("store_up", self._is_up)
        if self._now() < self._stale_at + RARELY:
            for kind, backlog in self._known.items():
                labels = {"kind": kind.value}
                yield Reading("deliveries_due", backlog.due, labels)
                yield Reading("deliveries_longest_wait", backlog.waiting.total_seconds(), labels)

    async def close(self) -> None:
        if reading := self._reading:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _look(self) -> None:
        began = self._now()
        try:
            self._known, self._is_up = await self._read(), True
        except Zero2ProdError as error:
            log.info("backlog_unknown", code=error.code)
            self._known, self._is_up = {}, False
        finally:
            now = self._now()
            self._stale_at = now + min(max(FRESH, SHARE * (now - began)), RARELY)
            self._reading = None

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


async def note_lag(telemetry: Telemetry) -> None:
    """Until cancelled, tell how late the loop wakes who sleeps."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + LAG_EVERY
        await asyncio.sleep(LAG_EVERY)
        telemetry.observe("loop_lag", max(0.0, loop.time() - due))


@asynccontextmanager
async def watched(
    telemetry: PrometheusTelemetry, read_backlog: ReadsBacklog, *parts: Readings
) -> AsyncIterator[Instruments]:
    """This process's instruments, which until the block ends also show its loop, the store and these parts."""
    store = StoreWatch(read_backlog)
    for readings in (store.readings, *parts):
        telemetry.watch(readings)

    async def tell() -> bytes:
        await store.look()
        return telemetry.exposition()

    lag = Kept(note_lag(telemetry))
    try:
        yield Instruments(telemetry, tell)
    finally:
        await lag.end()
        await store.close()
