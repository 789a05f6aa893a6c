"""A store of numbers that remembers how it was written to, and callers for it, to try a `Gathering` with."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import attrs

from adapters_system.gathering import Gathering
from tests.support.waiting import PATIENCE


class Refused(Exception):
    """What the store says about one bad item."""


@attrs.define
class Store:
    """Writes lists of numbers, all or none: ``bad`` ones make a write fail, ``odd`` ones get an error as their result.

    A closed ``gate`` holds every write, so that a test decides what arrives meanwhile.
    """

    bad: frozenset[int] = frozenset()
    odd: frozenset[int] = frozenset()
    tried: list[list[int]] = attrs.Factory(list)
    written: list[int] = attrs.Factory(list)
    under_way: int = 0
    most_under_way: int = 0
    gate: asyncio.Event = attrs.Factory(asyncio.Event)

    async def flush(self, numbers: list[int]) -> list[str | Exception]:
        self.tried.append(numbers)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await self.gate.wait()
            await asyncio.sleep(0)
        finally:
            self.under_way -= 1
        if culprits := self.bad.intersection(numbers):
            raise Refused(f"refused {sorted(culprits)}")
        self.written += numbers
        return [Refused(f"odd {n}") if n in self.odd else f"wrote {n}" for n in numbers]


def open_store(*, bad: set[int] | None = None, odd: set[int] | None = None) -> Store:
    store = Store(bad=frozenset(bad or ()), odd=frozenset(odd or ()))
    store.gate.set()
    return store


def in_tasks(gathering: Gathering[int, str], numbers: list[int]) -> list[asyncio.Task[str]]:
    async def call(number: int) -> str:
        return await gathering(number)

    return [asyncio.create_task(call(number)) for number in numbers]


async def turn_until(condition: Callable[[], bool]) -> None:
    """Turn the event loop until the condition holds."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - conditions here hold after a few turns, and have no event
            await asyncio.sleep(0)


@asynccontextmanager
async def held(store: Store, gathering: Gathering[int, str]) -> AsyncIterator[asyncio.Task[str]]:
    """A first flight, of the number 0 alone, kept in the air while the test arranges what comes next."""
    (first,) = in_tasks(gathering, [0])
    await turn_until(lambda: store.under_way == 1)
    yield first
    store.gate.set()
