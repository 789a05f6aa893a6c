"""Durations as settings write them."""

import re
from collections.abc import Sequence
from datetime import timedelta

from zero2prod_core.errors import SettingInvalid

DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)?")
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}

SHORTEST_RETRY = timedelta(seconds=30)
"""Sooner a relay that asked to come again later is only told once more, tens of thousands of times a day."""

LONGEST_RETRY = timedelta(days=30)
"""Six times as long as mail is commonly tried at all (RFC 5321 §4.5.4.1)."""

MOST_RETRIES = 50
"""Steps of a schedule, whose last one repeats; more are a slip of the pen."""


def duration(value: str | float | timedelta) -> timedelta:
    """Read ``90``, ``90s``, ``10m``, ``24h``, ``2d`` or ``250ms``; a bare number is seconds."""
    if isinstance(value, timedelta):
        return value
    match = DURATION.fullmatch(str(value).strip())
    if match is None:
        raise ValueError("no duration")
    return timedelta(seconds=float(match[1]) * UNITS[match[2] or "s"])


def retry_schedule(text: str, setting: str) -> Sequence[timedelta]:
    """Read ``5m,20m,45m,2h,3h``: the waits after the 1st, 2nd, … try, of which the last repeats.

    Raises:
        SettingInvalid: there is none, one is no duration or out of bounds, or there are too many.
    """
    steps = [part.strip() for part in text.split(",")]
    if len(steps) > MOST_RETRIES:
        raise SettingInvalid(setting, f"has {len(steps)} steps. Give at most {MOST_RETRIES}; the last one repeats.")
    return tuple(_step(part, setting) for part in steps)


def _step(part: str, setting: str) -> timedelta:
    try:
        step = duration(part)
    except (ValueError, OverflowError):
        step = None
    if step is None or not SHORTEST_RETRY <= step <= LONGEST_RETRY:
        bounds = f"{SHORTEST_RETRY.seconds}s to {LONGEST_RETRY.days}d"
        rule = f"cannot have the step {part!a}. Give waits of {bounds}, such as 5m,20m,45m,2h,3h."
        raise SettingInvalid(setting, rule)
    return step
