"""Ids that sort by the time of their making.

Rows made one after the other then lie side by side in every index, where random ids would touch a page each.
"""

import secrets
import threading
import time
from collections.abc import Callable
from typing import Final
from uuid import UUID

from zero2prod_core.ports.system import Ids

__all__ = ["TimeOrderedIds"]

# The layout of RFC 9562 §5.7, 48 bits of milliseconds and 74 free ones, of which §6.2 (method 1) lets a counter take
# the upper: 12 beside the version and 30 beside the variant. The other 32 stay random, for processes that count alike.
COUNTER_BITS: Final = 42
TAIL_BITS: Final = 32
VERSION: Final = 0x7 << 76
VARIANT: Final = 0b10 << 62


class TimeOrderedIds(Ids):
    """UUIDs of version 7, each greater than all before it in this process, from any of its threads.

    They are unique and in order, not secret: whoever knows one can narrow down its neighbours.

    Args:
        milliseconds: the time since 1970. Where it stands still or goes back, the counter goes on.
    """

    def __init__(self, milliseconds: Callable[[], int] = lambda: time.time_ns() // 1_000_000) -> None:
        self._milliseconds = milliseconds
        self._lock = threading.Lock()
        self._moment = -1
        self._counter = 0

    def new(self) -> UUID:
        """A UUID that sorts after every one this object has made before."""
        with self._lock:
            self._advance(self._milliseconds())
            moment, counter = self._moment, self._counter
        return _assemble(moment, counter, secrets.randbits(TAIL_BITS))

    def _advance(self, now: int) -> None:
        """One step on: a later millisecond, or the counter's next value, or (when it is full) the next millisecond."""
        if now <= self._moment and self._counter + 1 < 1 << COUNTER_BITS:
            self._counter += 1
            return
        self._moment = max(now, self._moment + 1)
        # The upper half stays free: 2⁴¹ ids can follow within the millisecond.
        self._counter = secrets.randbits(COUNTER_BITS - 1)


def _assemble(moment: int, counter: int, tail: int) -> UUID:
    upper, lower = divmod(counter, 1 << 30)
    return UUID(int=moment << 80 | VERSION | upper << 64 | VARIANT | lower << TAIL_BITS | tail)
