"""What every contract is: a class of tests, each of which gets a new and empty backend and an event loop of its own."""

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

import attrs

from zero2prod.testing.ledger import Ledger
from zero2prod_core.ports.deliveries import DeliverySignal
from zero2prod_core.ports.store import Health, Heartbeats, Locks, UnitOfWork

Part = TypeVar("Part")


@attrs.frozen(kw_only=True)
class Backend:
    """What an adapter gives to the core: a new store, which holds nothing yet, and what goes with it.

    An adapter of a single port names that alone; a contract that needs more fails and says what.
    """

    uow: UnitOfWork | None = None
    locks: Locks | None = None
    signal: DeliverySignal | None = None
    health: Health | None = None
    heartbeats: Heartbeats | None = None


class Contract:
    """Tests of what a port promises. Inherit in a class whose name begins with ``Test``, and define `open_backend`.

    Subclasses may add tests of their own: an ``async def test_…`` becomes an ordinary test method, which opens a
    backend, runs the body beside it, and closes it. So no plugin for asynchronous tests is needed, and one that is
    installed has nothing to do. Inside a body ``self.backend`` is the open one, and ``self.uow`` and its other parts
    are short for it.
    """

    share: float = 1.0
    """How many of the examples that Hypothesis's settings ask for a state machine tries here, at least one.

    Less than 1 suits a store of which every step costs a round trip.
    """

    backend: Backend

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        tests = {name: body for name, body in vars(cls).items() if name.startswith("test_")}
        for name, body in tests.items():
            if inspect.iscoroutinefunction(body):
                setattr(cls, name, _with_a_backend(body))

    def open_backend(self) -> AbstractAsyncContextManager[Backend]:
        """A new and empty backend, open inside the block: of a database, one that has been emptied.

        It is called once for each test, and by a state machine once for each example, each time in another event loop.
        """
        raise TypeError(f"{type(self).__name__} does not say what it tests: define open_backend")

    @property
    def uow(self) -> UnitOfWork:
        return self._needed(self.backend.uow, "uow")

    @property
    def ledger(self) -> Ledger:
        """The store's deliveries, at moments of the test's choice."""
        return Ledger(self.uow)

    @property
    def locks(self) -> Locks:
        return self._needed(self.backend.locks, "locks")

    @property
    def signal(self) -> DeliverySignal:
        return self._needed(self.backend.signal, "signal")

    @property
    def health(self) -> Health:
        return self._needed(self.backend.health, "health")

    @property
    def heartbeats(self) -> Heartbeats:
        return self._needed(self.backend.heartbeats, "heartbeats")

    def _needed(self, part: Part | None, name: str) -> Part:
        assert part is not None, f"{type(self).__name__}.open_backend gave no {name}, which this test needs"
        return part


def _with_a_backend(body: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    @functools.wraps(body)
    def test(self: Contract, **arguments: Any) -> None:  # noqa: ANN401 - whatever the test is parametrised with
        async def run() -> None:
            async with self.open_backend() as self.backend:
                await body(self, **arguments)

        with asyncio.Runner() as runner:
            runner.run(run())

    return test
