"""Points in time."""

from datetime import datetime
from typing import TypeAlias

Instant: TypeAlias = datetime
"""An aware ``datetime`` in UTC. What is persisted as time is read from the store's clock, never made here."""
