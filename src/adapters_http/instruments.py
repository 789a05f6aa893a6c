from collections.abc import Awaitable, Callable
from typing import Final

import attrs

from zero2prod_core.ports.telemetry import SILENT, Telemetry

__all__ = ["NO_INSTRUMENTS", "Instruments"]


@attrs.frozen
class Instruments:
    """Who is told what the site does, and how all numbers are told to whoever asks.

    Args:
        tell: gives them in the text format of Prometheus (version 0.0.4), and does not take long.
    """

    telemetry: Telemetry
    tell: Callable[[], Awaitable[bytes]]


async def _nothing() -> bytes:
    return b""


NO_INSTRUMENTS: Final = Instruments(SILENT, _nothing)
"""For a site that nobody watches."""
