"""What this process has refused, summed until it is told to the store."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Final

import structlog
from aiohttp import web

from adapters_http.patience import promptly
from zero2prod_core.errors import LimitExceeded, Unavailable
from zero2prod_core.ports.limits import LimitKey
from zero2prod_core.ports.telemetry import SILENT, Telemetry

__all__ = ["RefusalTally"]

# Seconds. However much is refused, the store hears of it in one small write in five.
TOLD_EVERY: Final = 5.0

# Keys between two tellings; those beyond are counted together. Each is a row for a minute.
MOST: Final = 2_000

# Hexadecimal, as every subject; no digest is as short.
ALL_OTHERS: Final = "00"

# What everybody shares. Used up, it keeps out people who have done nothing.
TOTALS: Final = frozenset({"sign_up_total", "login_total"})

log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


class RefusalTally:
    """Counts refusals by scope and subject.

    Args:
        tell: adds counts to the store's.
    """

    def __init__(
        self,
        tell: Callable[[Mapping[LimitKey, int]], Awaitable[None]],
        telemetry: Telemetry = SILENT,
        every: float = TOLD_EVERY,
        most: int = MOST,
    ) -> None:
        self._tell = tell
        self._telemetry = telemetry
        self._every = every
        self._most = most
        self._counts: Counter[LimitKey] = Counter()

    def note(self, refusal: LimitExceeded) -> None:
        """One more."""
        self._add(LimitKey(refusal.scope, refusal.subject or ALL_OTHERS), 1)
        self._telemetry.count("limit_refusals", scope=refusal.scope)
        if refusal.scope in TOTALS:
            self._telemetry.count("limit_alarms", scope=refusal.scope)

    async def tell(self) -> None:
        """Tell the store, and begin anew; where it is away, keep the counts for the next time."""
        counts, self._counts = self._counts, Counter()
        if not counts:
            return
        try:
            await promptly(self._tell(counts))
        except Unavailable as fault:
            log.warning("refusals_not_counted_yet", code=fault.code, refusals=counts.total())
            for key, count in counts.items():
                self._add(key, count)

    async def telling(self, _: web.Application) -> AsyncIterator[None]:
        """For ``cleanup_ctx``: tell now and then, and at the end."""
        task = asyncio.create_task(self._tell_again_and_again())
        yield
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await self.tell()

    async def _tell_again_and_again(self) -> None:
        while True:
            await asyncio.sleep(self._every)
            try:
                await self.tell()
            except Exception:
                log.exception("refusals_not_counted")

    def _add(self, key: LimitKey, count: int) -> None:
        is_room = key in self._counts or len(self._counts) < self._most
        self._counts[key if is_room else LimitKey(key.scope, ALL_OTHERS)] += count
