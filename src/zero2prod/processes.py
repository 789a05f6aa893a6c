"""Stopping on signals."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

STOPPING = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stopping_on_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Within the block the first SIGINT or SIGTERM calls ``stop``, and the second cancels the current task."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    calls: Iterator[Callable[[], object]] = iter([stop] + ([task.cancel] if task else []))

    def on_signal() -> None:
        next(calls, stop)()

    for number in STOPPING:
        loop.add_signal_handler(number, on_signal)
    try:
        yield
    finally:
        for number in STOPPING:
            loop.remove_signal_handler(number)
