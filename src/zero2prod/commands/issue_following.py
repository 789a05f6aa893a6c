"""Watching an issue from a terminal until it is over."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from typing import Protocol

import attrs
import click
import orjson

from zero2prod.commands.issue_lines import line_of, picture_of
from zero2prod_core.domain.progress import Pace, Standing
from zero2prod_core.errors import Unavailable
from zero2prod_core.usecases.issues import IssueProgress
from zero2prod_core.usecases.outlook import Outlook

LOOK_EVERY = 1.0
"""Seconds: what a person sees as going on."""

SHARE = 0.1
"""Of the time at most that is spent on looking: counting a million rows takes the database a while."""

UP, CLEAR_BELOW = "\x1b[{}F", "\x1b[J"
"""Cursor to the start of the line so far above, and everything from it erased (ECMA-48: CPL, ED)."""


class Screen(Protocol):
    """Where an outlook is shown."""

    def show(self, outlook: Outlook) -> None: ...


class Drawing(Screen):
    """A terminal, on which each look replaces the one before."""

    def __init__(self) -> None:
        self._drawn = 0

    def show(self, outlook: Outlook) -> None:
        size = shutil.get_terminal_size()
        # What is scrolled out of sight could not be drawn over; the last column would break a full line in two.
        lines = picture_of(outlook, size.columns - 1)[: size.lines - 1]
        back = UP.format(self._drawn) + CLEAR_BELOW if self._drawn else ""
        click.echo(back + "\n".join(lines), color=True)
        self._drawn = len(lines)


class Lines(Screen):
    """Anything else: a line for each change of what is counted or stands still."""

    def __init__(self, line: Callable[[Outlook], str]) -> None:
        self._line = line
        self._before: IssueProgress | None = None

    def show(self, outlook: Outlook) -> None:
        if outlook.progress != self._before:
            click.echo(self._line(outlook))
        self._before = outlook.progress


def json_line(outlook: Outlook) -> str:
    return orjson.dumps(outlook.told()).decode()


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
        outlook, took = await self._next(Pace())
        self.screen.show(outlook)
        while not outlook.is_over:
            await self.rest(max(LOOK_EVERY, took / SHARE - took))
            try:
                outlook, took = await self._next(outlook.pace)
            except Unavailable:
                continue
            self.screen.show(outlook)

    async def _next(self, pace: Pace) -> tuple[Outlook, float]:
        """With the seconds that it took."""
        began = self.clock()
        progress = await self.look()
        ended = self.clock()
        return Outlook(progress, pace.seen(ended, Standing.of(progress.sums).tried)), ended - began
