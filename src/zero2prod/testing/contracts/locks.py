import asyncio

import pytest

from zero2prod.testing.contract import Contract
from zero2prod.testing.contracts.transactions import elsewhere
from zero2prod_core.ports.store import Locks

LOOKS, LOOK_AGAIN_S = 1000, 0.01
"""Ten seconds: a server notices within milliseconds that a holder has gone, but a busy machine lets it wait."""


async def comes_free(locks: Locks, name: str) -> bool:
    """Whether the lock can be had, now or as soon as the last holder's end is noticed."""
    for _ in range(LOOKS):
        async with locks.try_hold(name) as mine:
            if mine:
                return True
        await asyncio.sleep(LOOK_AGAIN_S)
    return False


class LocksContract(Contract):
    """Locks between processes: `zero2prod_core.ports.store.Locks`."""

    async def test_a_lock_has_at_most_one_holder(self) -> None:
        async def held() -> bool:
            async with self.locks.try_hold("sweep") as mine:
                return mine

        async with self.locks.try_hold("sweep") as first:
            assert first
            assert not await elsewhere(held)
            assert not await elsewhere(held)
        assert await elsewhere(lambda: comes_free(self.locks, "sweep"))

    async def test_a_lock_ends_with_its_block_however_that_ends(self) -> None:
        with pytest.raises(ConnectionResetError):
            async with self.locks.try_hold("sweep"):
                raise ConnectionResetError
        assert await comes_free(self.locks, "sweep")

    async def test_locks_of_other_names_are_free(self) -> None:
        async with self.locks.try_hold("sweep") as first, self.locks.try_hold("expire") as second:
            assert (first, second) == (True, True)
