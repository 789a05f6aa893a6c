import asyncio

from zero2prod.testing.builders import T0, delivery
from zero2prod.testing.contract import Contract


class SignalContract(Contract):
    """Waking workers: `zero2prod_core.ports.deliveries.DeliverySignal`."""

    async def test_waiting_for_deliveries_ends_when_deliveries_are_enqueued(self) -> None:
        words = await self.ledger.letter()

        async def enqueue() -> None:
            (reader,) = await self.ledger.readers(1)
            await self.ledger.enqueue(delivery(words, reader))

        waiting = asyncio.create_task(self.signal.wait(600))
        async with asyncio.timeout(30):
            # More than once, because at first nobody may be listening yet.
            while not waiting.done():
                await enqueue()
                await asyncio.wait({waiting}, timeout=0.1)
        await self.signal.wait(0.2)
        await enqueue()
        async with asyncio.timeout(30):
            await self.signal.wait(600)
        assert await self.ledger.unfinished(T0) >= 2

    async def test_waiting_for_deliveries_ends_when_its_time_is_over(self) -> None:
        async with asyncio.timeout(30) as limit:
            for _ in range(3):
                await self.signal.wait(0.01)
        assert not limit.expired()
