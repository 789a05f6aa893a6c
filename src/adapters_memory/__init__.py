"""Every persistence port in memory: for tests and for programs that embed the core and need no database.

``uow = InMemoryUnitOfWork()`` is a whole store; signals and heartbeats are made from it.
"""

from adapters_memory.health import InMemoryHealth, InMemoryHeartbeats
from adapters_memory.locks import InMemoryLocks
from adapters_memory.signal import InMemoryDeliverySignal
from adapters_memory.store import InMemoryTransaction, InMemoryUnitOfWork

__all__ = [
    "InMemoryDeliverySignal",
    "InMemoryHealth",
    "InMemoryHeartbeats",
    "InMemoryLocks",
    "InMemoryTransaction",
    "InMemoryUnitOfWork",
]
