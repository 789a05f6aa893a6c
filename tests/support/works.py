"""What a worker works with, in memory, and mailers that pause or break."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

import attrs

from adapters_email.memory import InMemoryMailer
from adapters_memory import InMemoryDeliverySignal, InMemoryHeartbeats, InMemoryLocks
from tests.support.core import POLICY, SENT, Core, MovableClock
from tests.support.outages import Unsteady
from tests.support.waiting import PATIENCE, eventually
from zero2prod.worker import Pace, Parts, Worker
from zero2prod_core.domain.deliveries import DeliveryState
from zero2prod_core.errors import Defect
from zero2prod_core.ports.mailer import Desk, Mailer
from zero2prod_core.ports.store import Heartbeats
from zero2prod_core.usecases.deliveries import ClaimDeliveries, Consignment, RenewLease
from zero2prod_core.usecases.policy import Policy

Result = TypeVar("Result")

READERS = [f"{name}@example.com" for name in "abcde"]
PATIENT = Pace(poll=timedelta(hours=1), renewal=timedelta(hours=1))


class PausingMailer(Mailer):
    """Marks one parcel, and reports it as sent once it may go on.

    ``marked`` is set when its mark is granted. Cancelled, it reports nothing.
    """

    def __init__(self) -> None:
        self.marked = asyncio.Event()
        self.may_go_on = asyncio.Event()

    async def run(self, desk: Desk) -> None:
        while parcels := await desk.take():
            await desk.settle([], [parcel.mark for parcel in parcels])
            self.marked.set()
            await self.may_go_on.wait()
            await desk.settle([parcel.report(SENT) for parcel in parcels], [])


class BrokenMailer(Mailer):
    """Takes one parcel and breaks."""

    async def run(self, desk: Desk) -> None:
        await desk.take()
        raise RuntimeError("the mailer is broken")


@attrs.frozen
class WatchedRenewal(RenewLease):
    renewed: asyncio.Event

    async def __call__(self, lease: UUID) -> bool:
        lasts = await RenewLease(self.uow, self.policy)(lease)
        self.renewed.set()
        return lasts


class BrokenRenewal(RenewLease):
    async def __call__(self, lease: UUID) -> bool:
        raise Defect(f"lease {lease} cannot be renewed")


@attrs.frozen
class LaterAndLater(ClaimDeliveries):
    """Between claims so much time goes by that what a relay refused is due again."""

    clock: MovableClock

    async def __call__(self, worker: str, limit: int, *, urgent: bool, insist: bool = False) -> Consignment:
        self.clock.forward(timedelta(seconds=20))
        claim = ClaimDeliveries(self.uow, self.ids, self.keys, self.policy, self.traffic)
        return await claim(worker, limit, urgent=urgent, insist=insist)


class BusyLocks(InMemoryLocks):
    """``tried`` names the locks that were asked for; those in ``busy`` are held elsewhere."""

    def __init__(self, *busy: str) -> None:
        super().__init__()
        self._held |= set(busy)
        self.tried: list[str] = []

    @asynccontextmanager
    async def try_hold(self, name: str) -> AsyncIterator[bool]:
        self.tried.append(name)
        async with super().try_hold(name) as held:
            yield held


class Works:
    """A core and what its workers need; a test changes a part before it asks for a worker."""

    def __init__(self, policy: Policy = POLICY) -> None:
        self.core = Core(policy=policy)
        self.uow = Unsteady(self.core.store)
        self.heartbeats: Heartbeats = InMemoryHeartbeats(self.core.store)
        self.locks = BusyLocks()
        self.mailer = InMemoryMailer()
        self.application = self.core.over(self.uow)

    def worker(self, mailer: Mailer | None = None, pace: Pace = PATIENT) -> Worker:
        signal = InMemoryDeliverySignal(self.core.store)
        return Worker(
            "worker", Parts(self.application, mailer or self.mailer, signal, self.locks, self.heartbeats, pace)
        )

    @asynccontextmanager
    async def working(self, mailer: Mailer | None = None, pace: Pace = PATIENT) -> AsyncIterator[Worker]:
        """A worker that runs, and is stopped at the end."""
        worker = self.worker(mailer, pace)
        task = asyncio.create_task(worker.run())
        try:
            yield worker
        finally:
            worker.stop()
            await soon(task)

    @property
    def mailed(self) -> list[str]:
        return [mail.envelope.recipient for mail in self.mailer.mails]

    async def sums(self) -> dict[DeliveryState, int]:
        (issue,) = await self.core.application.list_issues()
        return await self.core.sums(issue)

    async def become(self, **sums: int) -> None:
        """Wait until the one issue's sums are these, by the states' names."""
        wanted = {DeliveryState(name): count for name, count in sums.items()}

        async def are_they() -> bool:
            return await self.sums() == wanted

        assert await eventually(are_they), await self.sums()


async def soon(waiting: Awaitable[Result]) -> Result:
    return await asyncio.wait_for(waiting, PATIENCE)
