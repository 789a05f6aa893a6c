"""What every benchmark needs: the machine in a line, rounds that take turns, and a table with a verdict."""

import asyncio
import os
import platform
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median, quantiles
from typing import Any, TypeAlias, TypeVar

__all__ = ["Rates", "judge", "machine", "run", "sync_times", "take_turns", "timed"]

Result = TypeVar("Result")

Rates: TypeAlias = dict[str, list[float]]
"""Of each contender, how much it did per second in each round."""

SYNCS, SYNCED_BYTES = 200, 8192  # a page of the write-ahead log, often enough for a steady 95th percentile


def machine() -> str:
    """What the figures were measured on."""
    return f"Python {platform.python_version()}, {os.cpu_count()} cores, {_event_loop()}"


def _event_loop() -> str:
    try:
        return f"uvloop {version('uvloop')}"
    except PackageNotFoundError:
        return "asyncio's event loop"


def run(measuring: Coroutine[Any, Any, Result]) -> Result:
    """Run to its end on the event loop that a service runs on: uvloop where it is installed."""
    try:
        import uvloop  # noqa: PLC0415 - an extra that need not be there
    except ImportError:
        return asyncio.run(measuring)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(measuring)


def sync_times(path: Path) -> str:
    """How long it takes until what was appended to a file is on the disk."""
    times = []
    with path.open("wb", buffering=0) as file:
        for _ in range(SYNCS):
            file.write(bytes(SYNCED_BYTES))
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(1000 * (time.perf_counter() - began))
    return f"fdatasync of {SYNCED_BYTES} bytes: p50 {median(times):.2f} ms, p95 {quantiles(times, n=20)[-1]:.2f} ms"


async def timed(count: int, work: Awaitable[object]) -> float:
    """So many per second, where the work does ``count`` of them."""
    began = time.perf_counter()
    await work
    return count / (time.perf_counter() - began)


async def take_turns(rounds: int, contenders: Mapping[str, Callable[[], Awaitable[float]]]) -> Rates:
    """Let each measure its rate once in every round, so that whatever else the machine does meets them all."""
    rates: Rates = {name: [] for name in contenders}
    for turn in range(1, rounds + 1):
        print(f"round {turn} of {rounds}", file=sys.stderr)
        for name, contender in contenders.items():
            rates[name].append(await contender())
    return rates


def judge(unit: str, rates: Rates, demands: Mapping[tuple[str, str], float]) -> int:
    """Print the rates, and of two contenders each how the first compares to the second; 1 if that is too little.

    Args:
        unit: what the rates count.
        rates: as `take_turns` has them.
        demands: the least ratio of two contenders' medians.
    """
    width = max(map(len, rates))
    print(f"{unit + '/s':<{width}} {'median':>10} {'least':>10} {'most':>10}")
    for name, found in rates.items():
        print(f"{name:<{width}} {median(found):>10,.0f} {min(found):>10,.0f} {max(found):>10,.0f}")
    missed = False
    for (one, other), least in demands.items():
        ratio = median(rates[one]) / median(rates[other])
        missed |= ratio < least
        print(f"{one} / {other}: {ratio:.2f} (at least {least:g})")
    return int(missed)
