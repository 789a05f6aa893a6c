"""What every connection to a relay does, whatever is spoken over it: take parcels, try them, and have them settled.

A report travels with the next mark where the next parcel is already there, and at once where it is not.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

from zero2prod_core.domain.deliveries import Mark, Report
from zero2prod_core.errors import Defect, Unavailable
from zero2prod_core.ports.mailer import Desk, Parcel

__all__ = ["PATIENCE", "Lane", "Rest", "at_least_one", "run_lanes"]

PATIENCE = 600.0
"""Seconds, 10 minutes: RFC 5321's longest limit. Whoever is asked for an answer too early may send the mail twice."""

REST = 1.0
"""Seconds for which a relay that failed is not asked again: what is taken meanwhile gets the same answer."""

LAST_REPORT = 5.0
"""Seconds in which a lane that is cancelled may still report: less than a supervisor waits before it kills."""


Said = TypeVar("Said")


def at_least_one(number: int, what: str) -> int:
    """The number. Raises Defect where it is none."""
    if number < 1:
        raise Defect(f"a mailer needs at least one {what}, not {number}")
    return number


async def run_lanes(make: Callable[[bool], "Lane"], connections: int) -> None:
    """Run so many lanes to their end; an error of one ends the others, and is raised as it is.

    Args:
        make: a lane, told whether it takes urgent parcels alone. With two or more the first does.
    """
    lanes = [make(connections > 1 and number == 0) for number in range(connections)]
    try:
        async with asyncio.TaskGroup() as tasks:
            for number, lane in enumerate(lanes):
                tasks.create_task(lane.run(), name=f"lane-{number}")
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from group


class Rest(Generic[Said]):
    """What a relay said when it failed, known to all lanes for as long as there is no use in asking again."""

    def __init__(self) -> None:
        self._said: Said | None = None
        self._until = 0.0

    @property
    def said(self) -> Said | None:
        return self._said if asyncio.get_running_loop().time() < self._until else None

    def begin(self, said: Said) -> None:
        self._said = said
        self._until = asyncio.get_running_loop().time() + REST


class Lane(ABC):
    """One connection's work. ``due`` holds the reports that the desk has not yet made durable.

    Args:
        desk: where parcels come from and reports go.
        urgent: whether only urgent parcels are taken.
        most: parcels taken at once.
        idle: seconds without a parcel after which the connection is let go; None for never.
    """

    def __init__(self, desk: Desk, *, urgent: bool, most: int = 1, idle: float | None = None) -> None:
        self.due: list[Report] = []
        self._desk = desk
        self._urgent = urgent
        self._most = most
        self._idle = idle

    @abstractmethod
    async def handle(self, parcels: Sequence[Parcel]) -> None:
        """Try these, and have a report due for each whose mark was not refused."""

    @abstractmethod
    async def hang_up(self) -> None:
        """Let go of the connection in good order."""

    @abstractmethod
    def drop(self) -> None:
        """Let go of the connection now."""

    async def run(self) -> None:
        try:
            while parcels := await self._next():
                await self.handle(parcels)
            await self.settle()
            await self.hang_up()
        except asyncio.CancelledError:
            with suppress(Unavailable, TimeoutError):
                async with asyncio.timeout(LAST_REPORT):
                    await self.settle()
            raise
        finally:
            self.drop()

    async def settle(self, marks: Sequence[Mark] = ()) -> Sequence[bool]:
        """Have the due reports made durable, and learn which marks are granted with them."""
        if not self.due and not marks:
            return ()
        granted = await self._desk.settle(tuple(self.due), tuple(marks))
        self.due.clear()
        return granted

    async def _next(self) -> Sequence[Parcel]:
        """Wait for parcels: report first unless some are there at once, and let go of a connection nobody needs.

        More reports than one visit makes are due only where mails end without a mark, and those might go on for long.
        """
        if len(self.due) <= self._most and (parcels := self.take_now()):
            return parcels
        await self.settle()
        return self.take_now() or await self._wait()

    def take_now(self) -> Sequence[Parcel]:
        """The parcels that are there, if any."""
        return self._desk.take_now(self._most, urgent=self._urgent)

    async def _wait(self) -> Sequence[Parcel]:
        taking = asyncio.create_task(self._take())
        try:
            if not (await asyncio.wait({taking}, timeout=self._idle))[0]:
                await self.hang_up()
            return await taking
        finally:
            taking.cancel()

    async def _take(self) -> Sequence[Parcel]:
        return await self._desk.take(self._most, urgent=self._urgent)
