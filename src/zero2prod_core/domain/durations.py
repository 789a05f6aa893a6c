"""Spans of time."""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

_UNITS: Mapping[str, int] = MappingProxyType({"day": 86400, "hour": 3600, "minute": 60, "second": 1})


def spoken(span: timedelta) -> str:
    """As a reader would say it, such as ``2 hours``: in the largest unit that it has two of, or exactly one; rounded
    down.
    """
    seconds = int(span.total_seconds())
    for unit, size in _UNITS.items():
        if seconds == size:
            return f"1 {unit}"
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}s"
    return "less than a second"
