"""Waiting for what must come true, and for no longer than that.

Standard library only, as `tests.first_start` runs before anything is installed.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from threading import Event

PATIENCE = 60.0
"""Seconds. What comes true ends its wait at once; a small machine that is busy elsewhere stands still for dozens."""

LOOK_AGAIN_S = 0.01


def until(condition: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    """Whether ``condition`` came true within ``seconds``; looks again every ``LOOK_AGAIN_S``."""
    deadline = time.monotonic() + seconds
    while not (met := condition()) and time.monotonic() < deadline:
        Event().wait(LOOK_AGAIN_S)
    return met


async def eventually(condition: Callable[[], Awaitable[bool]], seconds: float = PATIENCE) -> bool:
    """As `until`, for a condition that is awaited, and while the event loop goes on."""
    deadline = time.monotonic() + seconds
    while not (met := await condition()) and time.monotonic() < deadline:  # noqa: ASYNC110 - other processes set no event here
        await asyncio.sleep(LOOK_AGAIN_S)
    return met
