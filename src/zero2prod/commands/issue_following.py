"""Watching an issue from a terminal until it is over."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from typing import Protocol

import attrs
import click
import orjson

from zero2prod.commands.issue_lines import line_of, picture_of
from zero2prod_core.domain.progress import Speedometer, Standing, rest_after
from zero2prod_core.domain.progress_reports import IssueProgress, ProgressReport
from zero2prod_core.errors import Unavailable

UP, CLEAR_BELOW = "\x1b[{}F", "\x1b[J"
"""Cursor to the start of the line so far above, and everything from it erased (ECMA-48: CPL, ED)."""


class Screen(Protocol):
    """Where a report is shown."""

    def show(self, report: ProgressReport) -> None: ...


class Drawing(Screen):
    """A terminal, on which each look replaces the one before."""

    def __init__(self) -> None:
        self._drawn = 0

    def show(self, report: ProgressReport) -> None:
        size = shutil.get_terminal_size()
        # What is scrolled out of sight could not be drawn over; the last column would break a full line in two.
        lines = picture_of(report, size.columns - 1)[: size.lines - 1]
        back = UP.format(self._drawn) + CLEAR_BELOW if self._drawn else ""
        click.echo(back + "\n".join(lines), color=True)
        self._drawn = len(lines)


class Lines(Screen):
    """Anything else: a line for each change of what is counted or stands still."""

    def __init__(self, line: Callable[[ProgressReport], str]) -> None:
        self._line = line
        self._before: IssueProgress | None = None

    def show(self, report: ProgressReport) -> None:
        if report.progress != self._before:
            click.echo(self._line(report))
        self._before = report.progress


def json_line(report: ProgressReport) -> str:
    return orjson.dumps(report.told()).decode()


def screen_for(*, as_json: bool, is_terminal: bool) -> Screen:
    if as_json:
        return Lines(json_line)
    return Drawing() if is_terminal else Lines(line_of)


@attrs.frozen
class Follower:
    """Looks again and again. ``look`` counts the ledger; a store that is away later on is waited for.

    ``clock`` tells seconds that only go forward, ``rest`` waits for some.
    """

    look: Callable[[], Awaitable[IssueProgress]]
    screen: Screen
    clock: Callable[[], float]
    rest: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def __call__(self) -> None:
        """Return when the issue is over."""
        report, took = await self._next(Speedometer())
        self.screen.show(report)
        while not report.is_over:
            await self.rest(rest_after(took))
            try:
                report, took = await self._next(report.speedometer)
            except Unavailable:
                continue
            self.screen.show(report)

    async def _next(self, speedometer: Speedometer) -> tuple[ProgressReport, float]:
        """With the seconds that it took."""
        began = self.clock()
        progress = await self.look()
        ended = self.clock()
        seen = speedometer.seen(ended, Standing.of(progress.sums).tried, sending=progress.is_sending)
        return ProgressReport(progress, seen), ended - began
