"""The delivery worker: claims, sends, settles, renews its leases, and runs the background jobs."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import attrs
import structlog

from zero2prod.desk import RETRY_EVERY, UNTRIED, LedgerDesk, outcome_name
from zero2prod_core.application import Application
from zero2prod_core.errors import Unavailable
from zero2prod_core.ports.deliveries import DeliverySignal
from zero2prod_core.ports.mailer import Mailer
from zero2prod_core.ports.store import Heartbeats, Locks
from zero2prod_core.ports.telemetry import Reading
from zero2prod_core.usecases.deliveries import Consignment

log = structlog.get_logger(__name__)

GRACE = 20.0
"""Seconds for mails under way when the worker stops. Reporting those that are then cut off, and giving leases back,
takes a few more: all within the 30 s that service managers commonly wait before SIGKILL.
"""

BEAT_EVERY = timedelta(seconds=10)
"""A person who looks at the readiness page sees a dead worker within half a minute, at six small writes a minute."""


@attrs.frozen
class Job:
    """A background verb, run by one process at a time, every ``period``."""

    name: str
    verb: Callable[[Application], Callable[[], Awaitable[object]]]
    period: timedelta


JOBS = (
    Job("note refusals", lambda app: app.jobs.note_refusals, timedelta(seconds=15)),
    Job("sweep", lambda app: app.jobs.sweep, timedelta(minutes=10)),
    Job("expire leases", lambda app: app.jobs.expire_leases, timedelta(seconds=5)),
    Job("cancel deliveries", lambda app: app.jobs.cancel_deliveries, timedelta(seconds=2)),
    Job("finish issues", lambda app: app.jobs.finish_issues, timedelta(seconds=2)),
    Job("lapse rounds", lambda app: app.jobs.lapse_rounds, timedelta(hours=1)),
    Job("rewrite digests", lambda app: app.jobs.rewrite_digests, timedelta(minutes=10)),
    Job("compact deliveries", lambda app: app.jobs.compact_deliveries, timedelta(hours=1)),
)
"""Sweeping is not urgent; a dead worker's mails should wait little longer than its lease; a person watches an issue
finish.
"""


@attrs.frozen
class Pace:
    """How the worker goes about it. ``batch``: deliveries per claim; 500 is where more stops being faster."""

    batch: int = 500
    poll: timedelta = timedelta(seconds=1)
    renewal: timedelta = timedelta(seconds=10)


@attrs.frozen
class Parts:
    """What a worker works with."""

    application: Application
    mailer: Mailer
    signal: DeliverySignal
    locks: Locks
    heartbeats: Heartbeats
    pace: Pace = Pace()


@attrs.frozen
class Drained:
    """``outcomes``: what was tried, by the outcome's name. ``left``: how many due mails could not be tried."""

    outcomes: Mapping[str, int]
    left: int


class Worker:
    """One delivery worker. ``run`` returns after ``stop`` was called; ``drain`` when nothing is due any more."""

    def __init__(self, name: str, parts: Parts) -> None:
        self._name = name
        self._parts = parts
        self._app = parts.application
        self._desk = LedgerDesk(parts.application.deliveries.settle, self._release_later, low=-(-parts.pace.batch // 2))
        self._stopping = asyncio.Event()
        self._releasing: set[asyncio.Task[None]] = set()

    def readings(self) -> Iterable[Reading]:
        """What came of the mails so far."""
        for outcome, count in self._desk.outcomes.items():
            yield Reading("mails", count, {"outcome": outcome})

    def stop(self) -> None:
        """Claim nothing more, finish the mails under way, give the rest back."""
        self._stopping.set()
        self._desk.close()

    async def run(self) -> None:
        """Deliver until `stop`. Everything it still holds then is given back within `GRACE`."""
        try:
            async with self._sending(), asyncio.TaskGroup() as group:
                chores = [group.create_task(self._every(job.period, self._job(job))) for job in JOBS]
                chores.append(group.create_task(self._every(BEAT_EVERY, self._beat)))
                while not self._stopping.is_set():
                    if not await self._succeeds(self._feed):
                        await asyncio.sleep(RETRY_EVERY)
                for chore in chores:
                    chore.cancel()
        except ExceptionGroup as group:
            raise group.exceptions[0] from group

    async def drain(self) -> Drained:
        """Try each due mail once and run each job once."""
        async with self._sending():
            await self._beat()
            put_off = await self._deliver_all()
            for job in JOBS:
                await self._job(job)()
            put_off += await self._deliver_all()
        return Drained(self._desk.outcomes, put_off + self._untried() + await self._app.deliveries.count_unfinished())

    async def _deliver_all(self) -> int:
        """Until nothing is due, or the relay takes nothing of what is: that would soon be due again, without end.

        What a rate puts off leaves its place to others; returns how many those are.
        """
        tried, others, put_off = -1, False, 0
        while not self._stopping.is_set() and (others or self._tried() > tried):
            tried = self._tried()
            claims = [await self._claim(urgent=urgent, insist=True) for urgent in (True, False)]
            others = any(claim.postponed for claim in claims)
            put_off += sum(claim.postponed for claim in claims)
            await self._desk.idle()
        return put_off

    def _tried(self) -> int:
        return self._desk.outcomes.total() - self._untried()

    def _untried(self) -> int:
        return sum(self._desk.outcomes[outcome_name(kind)] for kind in UNTRIED)

    @asynccontextmanager
    async def _sending(self) -> AsyncIterator[None]:
        """The mailer at work, its leases renewed; left, it finishes what is under way, and they are given back.

        A mailer or a renewal that ends by itself stops the worker: its error is raised here.
        """
        sending = asyncio.create_task(self._parts.mailer.run(self._desk))
        renewing = asyncio.create_task(self._every(self._parts.pace.renewal, self._renew))
        for task in (sending, renewing):
            task.add_done_callback(lambda _: self.stop())
        try:
            yield
            self._desk.close()
            await asyncio.wait([sending, renewing], timeout=GRACE, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ended = [task for task in (sending, renewing) if task.done()]
            sending.cancel()
            renewing.cancel()
            await asyncio.gather(sending, renewing, return_exceptions=True)
            await self._give_back()
        for task in ended:
            task.result()

    async def _feed(self) -> None:
        """One round of claiming: urgent letters always, an issue's only while the desk has few left.

        Where some were put off, the next round finds others in their place.
        """
        claims = [await self._claim(urgent=True)]
        if self._desk.hungry.is_set():
            claims.append(await self._claim(urgent=False))
        if not any(claim.parcels or claim.postponed for claim in claims):
            await self._rest()

    async def _rest(self) -> None:
        """Until there may be something to do: deliveries were enqueued, the desk has become hungry, `stop`, or poll
        time.
        """
        poll = self._parts.pace.poll.total_seconds()
        wishes: list[Coroutine[object, object, object]] = [self._parts.signal.wait(poll), self._stopping.wait()]
        if not self._desk.hungry.is_set():
            wishes.append(self._desk.hungry.wait())
        waits = [asyncio.ensure_future(wish) for wish in wishes]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def _claim(self, *, urgent: bool, insist: bool = False) -> Consignment:
        batch = self._parts.pace.batch
        consignment = await self._app.deliveries.claim(self._name, batch, urgent=urgent, insist=insist)
        self._desk.put(consignment, urgent=urgent)
        return consignment

    async def _renew(self) -> None:
        for lease in self._desk.leases:
            lasts = await self._app.deliveries.renew(lease)
            if not lasts and lease in self._desk.leases:
                log.warning("lease_lost", lease=str(lease))
                self._desk.drop(lease)

    async def _beat(self) -> None:
        await self._parts.heartbeats.beat(self._name)

    def _job(self, job: Job) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            async with self._parts.locks.try_hold(job.name) as held:
                if held:
                    await job.verb(self._app)()

        return run

    async def _every(self, period: timedelta, verb: Callable[[], Awaitable[None]]) -> None:
        """Again and again until cancelled; a store that is away is looked for every half second."""
        while True:
            succeeded = await self._succeeds(verb)
            await asyncio.sleep(period.total_seconds() if succeeded else RETRY_EVERY)

    async def _succeeds(self, verb: Callable[[], Awaitable[None]]) -> bool:
        """Run the verb; False where the store is away."""
        try:
            await verb()
        except Unavailable as error:
            log.warning("store_unavailable", code=error.code, cause=repr(error.__cause__))
            return False
        return True

    def _release_later(self, lease: UUID) -> None:
        task = asyncio.get_running_loop().create_task(self._release(lease))
        self._releasing.add(task)
        task.add_done_callback(self._releasing.discard)

    async def _release(self, lease: UUID) -> None:
        """End a lease; where the store is away it ends by itself."""
        try:
            await self._app.deliveries.release(lease)
        except Unavailable as error:
            log.warning("lease_left_to_expire", lease=str(lease), code=error.code)

    async def _give_back(self) -> None:
        leases = [self._release(lease) for lease in self._desk.leases]
        await asyncio.gather(*leases, *self._releasing)
