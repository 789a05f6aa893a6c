import asyncio

from adapters_memory.store import InMemoryUnitOfWork
from zero2prod_core.ports.deliveries import DeliverySignal

__all__ = ["InMemoryDeliverySignal"]


class InMemoryDeliverySignal(DeliverySignal):
    """Rings when a transaction that enqueued deliveries has committed. Each waiting worker needs one of its own."""

    def __init__(self, uow: InMemoryUnitOfWork) -> None:
        self._rung = asyncio.Event()
        uow.on_enqueued(self._rung.set)

    async def wait(self, seconds: float) -> None:
        """Return when deliveries were enqueued since the last call, or after ``seconds``."""
        try:
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        except TimeoutError:
            return
        self._rung.clear()
