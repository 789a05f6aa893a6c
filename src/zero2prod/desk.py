"""The worker's desk: parcels wait here for the mailer's connections, and every step of them is settled here.

Results and marks of all connections travel in one gathered transaction. A store that is away is waited for: until it
answers, nothing that was marked is completed, so nothing is lost and nothing is repeated.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Collection, Sequence
from uuid import UUID

import attrs
import structlog

from adapters_system.gathering import Gathering
from zero2prod_core.domain.breakers import BreakerKey
from zero2prod_core.domain.deliveries import Mark, Outcome, Report, SenderFault, Throttled
from zero2prod_core.errors import Unavailable
from zero2prod_core.ports.mailer import Desk, Parcel
from zero2prod_core.usecases.deliveries import Consignment
from zero2prod_core.usecases.settling import SettleDeliveries, Settlement

log = structlog.get_logger(__name__)

RETRY_EVERY = 0.5
"""Seconds between looks at a store that is away: it is back in use well within 5 s of its return."""

WARN_EVERY = 10.0
"""Seconds: the first refusal says what there is to know, and the issue's page says it too."""

UNTRIED = (Throttled, SenderFault)
"""Outcomes that say nothing about the recipient: the mail was not tried in earnest."""

REFUSED = "refused"


def outcome_name(kind: type[Outcome]) -> str:
    """What an outcome is called in sums and logs."""
    return kind.__name__.lower()


@attrs.frozen
class _Visit:
    """What one connection brings in one go."""

    reports: tuple[Report, ...]
    marks: tuple[Mark, ...]


class LedgerDesk(Desk):
    """Hands out claimed parcels, urgent ones first, and settles them in the ledger.

    Args:
        settle: the use case that writes results and grants marks.
        on_release: called with a lease's id when the last of its parcels has been settled.
        low: ``hungry`` is set while fewer bulk parcels than this wait, so that more are claimed before they run out.

    ``outcomes`` counts what was reported, by the outcome's name, and under ``REFUSED`` the marks that were not granted.
    """

    def __init__(self, settle: SettleDeliveries, on_release: Callable[[UUID], None], low: int = 1) -> None:
        self._settle_deliveries = settle
        self._on_release = on_release
        self._low = low
        self._probing: dict[UUID, Collection[BreakerKey]] = {}
        self._silent_until = 0.0
        self._gathering: Gathering[_Visit, Sequence[bool]] = Gathering(self._flush)
        self._urgent: deque[Parcel] = deque()
        self._bulk: deque[Parcel] = deque()
        self._unsettled: Counter[UUID] = Counter()
        self._changed = asyncio.Event()
        self._closed = False
        self.hungry = asyncio.Event()
        self.hungry.set()
        self.outcomes: Counter[str] = Counter()

    @property
    def leases(self) -> Collection[UUID]:
        """Leases with unsettled parcels."""
        return list(self._unsettled)

    def put(self, consignment: Consignment, *, urgent: bool) -> None:
        """Lay out claimed parcels."""
        if not consignment.parcels:
            return
        self._unsettled[consignment.lease] = len(consignment.parcels)
        self._probing[consignment.lease] = consignment.probing
        (self._urgent if urgent else self._bulk).extend(consignment.parcels)
        self._look_up()

    async def take(self, most: int = 1, *, urgent: bool = False) -> Sequence[Parcel]:
        await self._until(lambda: self._closed or bool(self._urgent) or (bool(self._bulk) and not urgent))
        return self.take_now(most, urgent=urgent)

    def take_now(self, most: int = 1, *, urgent: bool = False) -> Sequence[Parcel]:
        if self._closed:
            return ()
        queue = self._urgent if urgent else self._urgent or self._bulk
        parcels = [queue.popleft() for _ in range(min(most, len(queue)))]
        self._watch_hunger()
        return parcels

    async def settle(self, reports: Sequence[Report], marks: Sequence[Mark]) -> Sequence[bool]:
        granted = await self._gathering(_Visit(tuple(reports), tuple(marks)))
        for report in reports:
            self.outcomes[outcome_name(type(report.outcome))] += 1
            if isinstance(report.outcome, UNTRIED):
                self._warn(report)
            self._done(report.lease)
        for mark, holds in zip(marks, granted, strict=True):
            if not holds:
                self.outcomes[REFUSED] += 1
                self._done(mark.lease)
        return granted

    async def idle(self) -> None:
        """Wait until every parcel that was laid out has been settled, or the desk is closed."""
        await self._until(lambda: self._closed or not self._unsettled)

    def close(self) -> None:
        """Hand out nothing more; what is with a connection can still be settled."""
        self._closed = True
        self._look_up()

    def drop(self, lease: UUID) -> None:
        """Forget a lease that has ended, with those of its parcels that nobody has taken."""
        self._urgent = deque(parcel for parcel in self._urgent if parcel.delivery.lease != lease)
        self._bulk = deque(parcel for parcel in self._bulk if parcel.delivery.lease != lease)
        self._unsettled.pop(lease, None)
        self._probing.pop(lease, None)
        self._look_up()

    def _done(self, lease: UUID) -> None:
        if lease not in self._unsettled:
            return
        self._unsettled[lease] -= 1
        if not self._unsettled[lease]:
            del self._unsettled[lease]
            self._probing.pop(lease, None)
            self._on_release(lease)
            self._look_up()

    def _look_up(self) -> None:
        """Let everyone who waits look again."""
        self._watch_hunger()
        self._changed.set()

    def _watch_hunger(self) -> None:
        if len(self._bulk) < self._low:
            self.hungry.set()
        else:
            self.hungry.clear()

    def _learn(self, decided: Collection[BreakerKey]) -> None:
        """What has been decided about a breaker need not be told again."""
        for lease, keys in self._probing.items():
            self._probing[lease] = [key for key in keys if key not in decided]

    def _warn(self, report: Report) -> None:
        """Tell the operator, once in a while: a relay that is away fails every mail that is on its way to it."""
        now = asyncio.get_running_loop().time()
        if now >= self._silent_until:
            self._silent_until = now + WARN_EVERY
            outcome = report.outcome
            log.warning("mail_refused", outcome=outcome_name(type(outcome)), code=outcome.reply.code)

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            self._changed.clear()
            await self._changed.wait()

    async def _flush(self, visits: list[_Visit]) -> Sequence[Sequence[bool]]:
        reports = [report for visit in visits for report in visit.reports]
        marks = [mark for visit in visits for mark in visit.marks]
        settled = await self._write(reports, marks)
        granted = iter(settled.granted)
        return [[next(granted) for _ in visit.marks] for visit in visits]

    async def _write(self, reports: Sequence[Report], marks: Sequence[Mark]) -> Settlement:
        """Settle, however long the store is away: whoever wants to stop cancels the mailer."""
        while True:
            try:
                probing = {key for keys in self._probing.values() for key in keys}
                settled = await self._settle_deliveries(reports, marks, probing)
                if settled.decided:
                    self._learn(settled.decided)
                return settled
            except Unavailable as error:
                log.warning("store_unavailable", during="settle", code=error.code, cause=repr(error.__cause__))
                await asyncio.sleep(RETRY_EVERY)
