"""Time as it counts against whoever is waited for: none passes while this process is late and could not listen."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

__all__ = ["PARTS", "PatientClock", "patient_timeout"]

# Into so many parts a deadline is divided, each of which passes at most once while the event loop stands still.
PARTS: Final = 10


class PatientClock:
    """Seconds, of which no more than ``step`` pass from one look to the next.

    Args:
        clock: seconds as they pass.
        step: after which the next look is due.
    """

    def __init__(self, clock: Callable[[], float], step: float) -> None:
        self._clock = clock
        self._step = step
        self._passed = 0.0
        self._looked_at = clock()

    def __call__(self) -> float:
        return self._passed + min(self._clock() - self._looked_at, self._step)

    def look(self) -> None:
        self._passed, self._looked_at = self(), self._clock()


@asynccontextmanager
async def patient_timeout(seconds: float) -> AsyncIterator[None]:
    """As `asyncio.timeout`, of time in which the event loop was not late: a standstill counts as a tenth at most.

    Raises:
        TimeoutError: so many seconds have passed.
    """
    loop, step = asyncio.get_running_loop(), seconds / PARTS
    timer: asyncio.TimerHandle
    async with asyncio.timeout(None) as limit:

        def look(left: int) -> None:
            nonlocal timer
            if left:
                timer = loop.call_later(step, look, left - 1)
            else:
                limit.reschedule(loop.time())

        timer = loop.call_later(step, look, PARTS - 1)
        try:
            yield
        finally:
            timer.cancel()
