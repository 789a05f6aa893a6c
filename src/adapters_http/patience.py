"""Waiting for a verb, and for no longer than a caller would."""

import asyncio
from collections.abc import Awaitable
from typing import Any, Final, TypeVar

from adapters_http.lateness import PARTS
from zero2prod_core.errors import StoreUnavailable

__all__ = ["COUNTING", "HASHING", "PROMPT", "PUBLISHING", "promptly"]

Answer = TypeVar("Answer")

# Seconds. A store that is away, or hangs, is to be told of within 2; the rest is for a busy machine.
PROMPT: Final = 1.8

# The hasher's own queue holds two thirds of a second of work, on a machine that does nothing else.
HASHING: Final = 10.0

# A million deliveries are counted in about a second, on a machine that sends them meanwhile in several. A store that is
# away is found out by its connection, in less.
COUNTING: Final = 10.0

# A million recipients are written in about two seconds, and the same request a second time waits for the first.
PUBLISHING: Final = 60.0

# The event loop holds tasks weakly: without this one that is given up could vanish before it has cleaned up.
_given_up: Final[set[asyncio.Future[Any]]] = set()


async def promptly(verb: Awaitable[Answer], seconds: float = PROMPT) -> Answer:
    """The verb's answer.

    Given up after ``seconds``, the verb is cancelled and cleans up behind our back, however long that takes. They are
    waited for in parts, so that a standstill of this process costs one.

    Raises:
        StoreUnavailable: there was no answer in time.
    """
    task = asyncio.ensure_future(verb)
    try:
        for _ in range(PARTS):  # as `patient_timeout` does, at the cost of one wait
            done, _ = await asyncio.wait({task}, timeout=seconds / PARTS)
            if done:
                return task.result()
    finally:
        if not task.done():
            _give_up(task)
    raise StoreUnavailable


def _give_up(task: "asyncio.Future[Any]") -> None:
    _given_up.add(task)
    task.add_done_callback(_forget)
    task.cancel()


def _forget(task: "asyncio.Future[Any]") -> None:
    _given_up.discard(task)
    if not task.cancelled():
        task.exception()  # whoever asked has been answered
