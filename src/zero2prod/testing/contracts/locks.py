import pytest

from zero2prod.testing.contract import Contract
from zero2prod.testing.contracts.transactions import elsewhere
from zero2prod_core.ports.store import Locks


async def free(locks: Locks, name: str) -> bool:
    """Whether the lock can be had now."""
    async with locks.try_hold(name) as mine:
        return mine


class LocksContract(Contract):
    """Locks between processes: `zero2prod_core.ports.store.Locks`."""

    async def test_a_lock_has_at_most_one_holder(self) -> None:
        async with self.locks.try_hold("sweep") as first:
            assert first
            assert not await elsewhere(lambda: free(self.locks, "sweep"))
            assert not await elsewhere(lambda: free(self.locks, "sweep"))
        assert await elsewhere(lambda: free(self.locks, "sweep"))

    async def test_a_lock_ends_with_its_block_however_that_ends(self) -> None:
        with pytest.raises(ConnectionResetError):
            async with self.locks.try_hold("sweep"):
                raise ConnectionResetError
        assert await free(self.locks, "sweep")

    async def test_locks_of_other_names_are_free(self) -> None:
        async with self.locks.try_hold("sweep") as first, self.locks.try_hold("expire") as second:
            assert (first, second) == (True, True)
