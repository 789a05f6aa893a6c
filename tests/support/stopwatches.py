"""How long something took, whatever the machine did meanwhile."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from adapters_http.lateness import PatientClock

STEP = 0.1
"""Seconds: a standstill counts as so many."""


@asynccontextmanager
async def stopwatch() -> AsyncIterator[Callable[[], float]]:
    """Seconds since its start, of which none count in which the event loop, or its whole machine, stood still."""
    clock = PatientClock(time.monotonic, STEP)

    async def look_again_and_again() -> None:
        while True:
            clock.look()
            await asyncio.sleep(STEP / 2)

    looking = asyncio.create_task(look_again_and_again())
    try:
        yield clock
    finally:
        looking.cancel()
