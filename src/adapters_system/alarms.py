import time
from collections.abc import Callable
from typing import Final

import structlog

from zero2prod_core.ports.telemetry import Telemetry

__all__ = ["Alarms"]

# Told with the scope of what is used up.
ALARM: Final = "limit_alarms"

# Seconds. Whoever is woken by the first line knows; the number of all stands in the metrics.
SILENT_FOR: Final = 60.0

log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


class Alarms(Telemetry):
    """Tells another telemetry everything, and the log of used-up budgets, once a minute for each scope.

    A budget that all visitors share is used up by an attack or by a success; both are for a person to look at.
    """

    def __init__(self, telemetry: Telemetry, clock: Callable[[], float] = time.monotonic) -> None:
        self._telemetry = telemetry
        self._clock = clock
        self._silent_until: dict[str, float] = {}

    def count(self, event: str, number: int = 1, **labels: str) -> None:
        self._telemetry.count(event, number, **labels)
        if event == ALARM:
            self._tell(labels["scope"])

    def observe(self, event: str, seconds: float, **labels: str) -> None:
        self._telemetry.observe(event, seconds, **labels)

    def _tell(self, scope: str) -> None:
        now = self._clock()
        if now >= self._silent_until.get(scope, now):
            self._silent_until[scope] = now + SILENT_FOR
            log.warning("limit_alarm", scope=scope)
