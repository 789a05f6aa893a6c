"""A desk in memory that tells what a mailer did, in order."""

import asyncio
from collections.abc import Iterable, Sequence

from tests.support.waiting import PATIENCE
from zero2prod_core.domain.deliveries import Mark, Outcome, Report
from zero2prod_core.domain.letters import URGENT
from zero2prod_core.ports.mailer import Desk, Parcel


class RecordingDesk(Desk):
    """Hands out parcels one by one, and after ``close()`` nothing more.

    ``settled`` has each call's reports and marks. ``refused`` holds the ids of recipients whose marks are refused.
    While ``open_for_settling`` is clear, calls wait, as if the database were away.
    """

    def __init__(self, parcels: Iterable[Parcel] = (), *, closed: bool = True) -> None:
        self.settled: list[tuple[Sequence[Report], Sequence[Mark]]] = []
        self.refused: set[object] = set()
        self.open_for_settling = asyncio.Event()
        self.open_for_settling.set()
        self._waiting = list(parcels)
        self._closed = closed
        self._changed = asyncio.Condition()

    @property
    def reports(self) -> list[Report]:
        return [report for reports, _ in self.settled for report in reports]

    @property
    def outcomes(self) -> list[Outcome]:
        return [report.outcome for report in self.reports]

    @property
    def marks(self) -> list[Mark]:
        return [mark for _, marks in self.settled for mark in marks]

    async def put(self, *parcels: Parcel) -> None:
        async with self._changed:
            self._waiting += parcels
            self._changed.notify_all()

    async def close(self) -> None:
        async with self._changed:
            self._closed = True
            self._changed.notify_all()

    async def reported(self, count: int) -> list[Outcome]:
        """Wait until there are so many reports."""
        async with self._changed:
            await asyncio.wait_for(self._changed.wait_for(lambda: len(self.reports) >= count), PATIENCE)
        return self.outcomes

    async def marked(self, count: int) -> None:
        """Wait until so many marks have been asked for."""
        async with self._changed:
            await asyncio.wait_for(self._changed.wait_for(lambda: len(self.marks) >= count), PATIENCE)

    async def take(self, most: int = 1, *, urgent: bool = False) -> Sequence[Parcel]:
        async with self._changed:
            await self._changed.wait_for(lambda: self._fitting(urgent=urgent) or self._closed)
            return self.take_now(most, urgent=urgent)

    def take_now(self, most: int = 1, *, urgent: bool = False) -> Sequence[Parcel]:
        taken = self._fitting(urgent=urgent)[:most]
        for parcel in taken:
            self._waiting.remove(parcel)
        return taken

    async def settle(self, reports: Sequence[Report], marks: Sequence[Mark]) -> Sequence[bool]:
        await self.open_for_settling.wait()
        async with self._changed:
            self.settled.append((reports, marks))
            self._changed.notify_all()
        return [mark.key.recipient not in self.refused for mark in marks]

    def _fitting(self, *, urgent: bool) -> list[Parcel]:
        wanted = [each for each in self._waiting if not urgent or each.letter.priority == URGENT]
        return sorted(wanted, key=lambda each: each.letter.priority)
