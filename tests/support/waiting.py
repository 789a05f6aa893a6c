"""Waiting for what must come true, and for no longer than that."""

import time
from collections.abc import Callable
from threading import Event

LOOK_AGAIN_S = 0.01


def until(condition: Callable[[], bool], seconds: float = 10) -> bool:
    """Whether ``condition`` came true within ``seconds``; looks again every ``LOOK_AGAIN_S``."""
    deadline = time.monotonic() + seconds
    while not (met := condition()) and time.monotonic() < deadline:
        Event().wait(LOOK_AGAIN_S)
    return met
