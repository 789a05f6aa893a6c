"""Issues that are being watched: each looked at once for all who do, in this process, and never too often."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

import attrs

from zero2prod_core.domain.progress import LOOK_EVERY, LOOKING_SHARE, Speedometer, Standing, rest_after
from zero2prod_core.domain.progress_reports import IssueProgress, ProgressReport
from zero2prod_core.errors import Unavailable

__all__ = ["Rhythm", "Watch", "Watches"]

# Issues whose speed is remembered from one page to its next reload: more than are ever sent at once.
SPEEDOMETERS_KEPT: Final = 100


@attrs.frozen
class Rhythm:
    """How live a page is, in seconds.

    Args:
        look: between two looks at an issue that is watched.
        share: of the time at most that is spent on looking, not in seconds.
        beat: the longest silence of a stream; proxies commonly end a connection after a minute of it.
        recheck: how long a stream may outlive its session.
    """

    look: float = LOOK_EVERY
    share: float = LOOKING_SHARE
    beat: float = 15.0
    recheck: float = 5.0

    def rest(self, took: float) -> float:
        """After a look that took so long."""
        return rest_after(took, every=self.look, share=self.share)


class Watch:
    """One issue, looked at again and again. `after` gives each watcher the next look.

    Args:
        look: looks at it, and has the watch `see` what it saw.
    """

    def __init__(self, look: Callable[[], Awaitable[object]], rhythm: Rhythm) -> None:
        self._look = look
        self._rhythm = rhythm
        self._last: ProgressReport | None = None
        self._failure: Exception | None = None
        self._changed = asyncio.Event()
        self._task = asyncio.create_task(self._run())
        self.watchers = 0

    async def after(self, seen: ProgressReport | None) -> ProgressReport:
        """The newest look, once it is another one than ``seen``. Raises what looking raised."""
        while self._last is seen or self._last is None:
            if self._failure:
                raise self._failure
            await self._changed.wait()
        return self._last

    def see(self, report: ProgressReport) -> None:
        """A look, by whomever: a page that has just been loaded must not be told what was before."""
        self._last = report
        self._tell()

    @property
    def has_ended(self) -> bool:
        """Whether it looks no more: its issue is over, or looking failed."""
        return self._task.done()

    def end(self) -> None:
        self._task.cancel()

    async def _run(self) -> None:
        try:
            await self._look_until_over()
        except Exception as failure:  # noqa: BLE001 - whoever watches is told, whatever it is
            self._failure = failure
            self._tell()

    async def _look_until_over(self) -> None:
        loop = asyncio.get_running_loop()
        while not (self._last and self._last.is_over):
            began = loop.time()
            try:
                await self._look()
            except Unavailable:
                if self._last is None:
                    raise
            await asyncio.sleep(self._rhythm.rest(loop.time() - began))

    def _tell(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


class Watches:
    """The watches of a process, and the speed of whatever was looked at lately."""

    def __init__(self, show_issue: Callable[[UUID], Awaitable[IssueProgress]], rhythm: Rhythm) -> None:
        self._show_issue = show_issue
        self._rhythm = rhythm
        self._speedometers: OrderedDict[UUID, Speedometer] = OrderedDict()
        self._watches: dict[UUID, Watch] = {}

    async def look(self, issue: UUID) -> ProgressReport:
        """Raises IssueUnknown, Unavailable."""
        progress = await self._show_issue(issue)
        now = asyncio.get_running_loop().time()
        before = self._speedometers.pop(issue, Speedometer())
        speedometer = before.seen(now, Standing.of(progress.sums).tried, sending=progress.is_sending)
        self._speedometers[issue] = speedometer
        while len(self._speedometers) > SPEEDOMETERS_KEPT:
            self._speedometers.popitem(last=False)
        report = ProgressReport(progress, speedometer)
        if issue in self._watches:
            self._watches[issue].see(report)
        return report

    @asynccontextmanager
    async def watching(self, issue: UUID) -> AsyncIterator[Watch]:
        """The issue's one watch, which ends when nobody watches any more.

        One that has ended by itself may still be read by somebody slow. Its issue may have been resent since, and then
        it needs another.
        """
        watch = self._watches.get(issue)
        if watch is None or watch.has_ended:
            watch = self._watches[issue] = Watch(lambda: self.look(issue), self._rhythm)
        watch.watchers += 1
        try:
            yield watch
        finally:
            watch.watchers -= 1
            if not watch.watchers:
                watch.end()
                if self._watches.get(issue) is watch:
                    del self._watches[issue]
