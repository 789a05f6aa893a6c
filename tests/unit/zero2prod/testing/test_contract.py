"""A contract's tests are ordinary test methods, and fail where a promise is broken."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from adapters_memory import InMemoryLocks, InMemoryUnitOfWork
from adapters_memory.audit import InMemoryAuditLog
from zero2prod.testing import AuditContract, Backend, Contract, LocksContract
from zero2prod_core.domain.audit import AuditEvent


def call(test: Callable[..., object], **arguments: object) -> None:
    """Call a test as pytest does, for whom it is no coroutine function, although it was written as one."""
    assert not inspect.iscoroutinefunction(test)
    assert test(**arguments) is None


class Opened(Contract):
    """Notes what happens, in order."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    @asynccontextmanager
    async def open_backend(self) -> AsyncIterator[Backend]:
        self.seen.append("opened")
        yield Backend(uow=InMemoryUnitOfWork())
        self.seen.append("closed")

    async def test_something(self, what: str = "tested") -> None:
        async with self.uow.reading() as tx:
            assert await tx.audit.tail(1) == []
        self.seen.append(what)

    def test_nothing_asynchronous(self) -> None:
        self.seen.append("called")


def test_an_asynchronous_test_is_an_ordinary_method_beside_an_open_backend() -> None:
    made = Opened()
    call(made.test_something)
    assert made.seen == ["opened", "tested", "closed"]


def test_parameters_of_a_test_are_passed_on() -> None:
    made = Opened()
    assert list(inspect.signature(made.test_something).parameters) == ["what"]
    call(made.test_something, what="parametrised")
    assert made.seen == ["opened", "parametrised", "closed"]


def test_other_tests_stay_as_they_are() -> None:
    made = Opened()
    made.test_nothing_asynchronous()
    assert made.seen == ["called"]


def test_every_test_has_a_loop_of_its_own() -> None:
    loops: list[asyncio.AbstractEventLoop] = []

    class Looping(Opened):
        async def test_loop(self) -> None:
            loops.append(asyncio.get_running_loop())

    for _ in range(2):
        call(Looping().test_loop)
    assert loops[0] is not loops[1]
    assert all(loop.is_closed() for loop in loops)


def test_a_class_that_opens_nothing_says_so() -> None:
    class Forgotten(LocksContract):
        pass

    with pytest.raises(TypeError, match="Forgotten does not say what it tests: define open_backend"):
        call(Forgotten().test_locks_of_other_names_are_free)


@pytest.mark.parametrize("part", ["uow", "locks", "signal", "health", "heartbeats"])
def test_a_part_that_a_backend_lacks_is_named(part: str) -> None:
    class Lacking(Contract):
        @asynccontextmanager
        async def open_backend(self) -> AsyncIterator[Backend]:
            yield Backend()

        async def test_part(self) -> None:
            assert getattr(self, part)

    with pytest.raises(AssertionError, match=f"Lacking.open_backend gave no {part}, which this test needs"):
        call(Lacking().test_part)


class HeldLocks(LocksContract):
    @asynccontextmanager
    async def open_backend(self) -> AsyncIterator[Backend]:
        yield Backend(locks=InMemoryLocks())


class HeldAudit(AuditContract, Opened):
    pass


def test_an_adapter_of_a_single_port_can_be_held_to_its_part() -> None:
    held = HeldLocks()
    names = [name for name in dir(held) if name.startswith("test_")]
    for name in names:
        call(getattr(held, name))
    assert len(names) == 3


def test_a_broken_promise_fails_the_test_that_knows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def oldest(self: InMemoryAuditLog, limit: int) -> Sequence[AuditEvent]:
        return sorted(self._events.values(), key=lambda event: event.occurred_at)[:limit]

    call(HeldAudit().test_the_audit_tail_is_newest_first_and_no_longer_than_asked)
    monkeypatch.setattr(InMemoryAuditLog, "tail", oldest)
    with pytest.raises(AssertionError):
        call(HeldAudit().test_the_audit_tail_is_newest_first_and_no_longer_than_asked)
