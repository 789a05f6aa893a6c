"""The adapter, held to its port's contract; and a whole store that uses it, held to all of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from file_locks import FileLocks

from adapters_memory import InMemoryDeliverySignal, InMemoryHealth, InMemoryHeartbeats, InMemoryUnitOfWork
from zero2prod.testing import Backend, LocksContract, StoreContract


class TestFileLocks(LocksContract):
    @asynccontextmanager
    async def open_backend(self) -> AsyncIterator[Backend]:
        with TemporaryDirectory() as directory:
            yield Backend(locks=FileLocks(Path(directory)))


class TestStoreWithFileLocks(StoreContract):
    share = 0.1

    @asynccontextmanager
    async def open_backend(self) -> AsyncIterator[Backend]:
        uow = InMemoryUnitOfWork()
        with TemporaryDirectory() as directory:
            yield Backend(
                uow=uow,
                locks=FileLocks(Path(directory)),
                signal=InMemoryDeliverySignal(uow),
                health=InMemoryHealth(),
                heartbeats=InMemoryHeartbeats(uow),
            )
