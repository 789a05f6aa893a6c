"""The machine's clock."""

import time
from datetime import UTC, datetime

from zero2prod_core.ports.system import Clock

__all__ = ["SystemClock"]


class SystemClock(Clock):
    """Wall time for logs and pages, monotonic time for waiting. What is persisted as time comes from the store."""

    def now(self) -> datetime:
        """Wall time, aware, in UTC; it may jump when the machine's clock is set."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since an arbitrary point; never goes back."""
        return time.monotonic()
