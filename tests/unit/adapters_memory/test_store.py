"""What the store in memory promises beyond the ports; their contracts are in tests/contract."""

import pytest

from adapters_memory import InMemoryHeartbeats, InMemoryUnitOfWork
from zero2prod.testing.builders import T0, later, letter, newsletter
from zero2prod_core.errors import Defect


async def test_nothing_can_be_written_while_reading() -> None:
    uow = InMemoryUnitOfWork()
    async with uow.reading() as tx:
        with pytest.raises(Defect, match="asked to write"):
            await tx.newsletters.add(newsletter())
        assert len(await tx.newsletters.list()) == 1


async def test_what_is_not_there_cannot_be_changed() -> None:
    async with InMemoryUnitOfWork()() as tx:
        with pytest.raises(Defect, match="not there"):
            await tx.letters.save(letter())


async def test_the_clock_may_be_given() -> None:
    now = T0
    uow = InMemoryUnitOfWork(lambda: now)
    beats = InMemoryHeartbeats(uow)
    await beats.beat("worker")
    async with uow() as tx:
        first = await tx.now()
        now = later(60)
        assert (first, await tx.now()) == (T0, T0)
    async with uow() as tx:
        assert await tx.now() == later(60)
    assert await beats.last() == later(60) - T0


async def test_two_stores_share_nothing() -> None:
    one, other, made = InMemoryUnitOfWork(), InMemoryUnitOfWork(), newsletter()
    async with one() as tx:
        await tx.newsletters.add(made)
        async with other() as elsewhere:
            assert await elsewhere.newsletters.get_batch([made.id]) == {}
        assert await tx.newsletters.get_batch([made.id]) == {made.id: made}
