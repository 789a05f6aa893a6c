"""What a process of ours asks of its system: to be stopped by signals, and enough open files."""

import asyncio
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

STOPPING = (signal.SIGINT, signal.SIGTERM)

MOST_FILES = 65_536
"""More than all settings together can use; where the system knows no limit, an endless one would be refused by some."""


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


def raise_file_limit(most: int = MOST_FILES) -> int:
    """Lift the soft limit of open files, a shell's usual 1,024, to the hard one, at most to ``most``.

    Returns:
        The limit that holds now.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = most if hard == resource.RLIM_INFINITY else min(hard, most)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return most if soft == resource.RLIM_INFINITY else soft
    with suppress(OSError, ValueError):  # a sandbox may forbid it, and the old limit then stays
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
