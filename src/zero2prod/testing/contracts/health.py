from datetime import timedelta

from zero2prod.testing.contract import Contract


class HealthContract(Contract):
    """Whether a store is at work: `zero2prod_core.ports.store.Health`."""

    async def test_a_store_at_work_is_healthy(self) -> None:
        assert await self.health.check() == {"database": "ok", "schema": "ok"}


class HeartbeatsContract(Contract):
    """Whether workers live: `zero2prod_core.ports.store.Heartbeats`."""

    async def test_the_youngest_beat_counts(self) -> None:
        assert await self.heartbeats.last() is None
        await self.heartbeats.beat("worker-1")
        first = await self.heartbeats.last()
        await self.heartbeats.beat("worker-2")
        await self.heartbeats.beat("worker-1")
        last = await self.heartbeats.last()
        assert first is not None
        assert last is not None
        assert timedelta(0) <= first < timedelta(seconds=30)
        assert timedelta(0) <= last < timedelta(seconds=30)
