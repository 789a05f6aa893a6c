"""The state machines find a store that breaks its promise, and no other."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from hypothesis.stateful import rule

from adapters_memory import InMemoryUnitOfWork
from adapters_memory.deliveries import InMemoryDeliveryLedger
from adapters_memory.subscribers import InMemorySubscriberRepository
from zero2prod.testing import Backend, Contract, LedgerHistories, SubscriberHistories
from zero2prod.testing.histories.machine import StoreMachine, hold
from zero2prod_core.domain.deliveries import Mark, Ruling
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.subscribers import Subscriber
from zero2prod_core.ports.deliveries import Settled


class Memory(Contract):
    @asynccontextmanager
    async def open_backend(self) -> AsyncIterator[Backend]:
        yield Backend(uow=InMemoryUnitOfWork())


class Ledger(Memory, LedgerHistories):
    pass


class Subscribers(Memory, SubscriberHistories):
    pass


def test_a_ledger_that_grants_every_mark_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    settle = InMemoryDeliveryLedger.settle_batch

    async def generous(
        self: InMemoryDeliveryLedger, rulings: Sequence[Ruling], marks: Sequence[Mark], at: Instant | None = None
    ) -> Settled:
        settled = await settle(self, rulings, marks, at)
        return Settled(settled.applied, (True,) * len(marks))

    monkeypatch.setattr(InMemoryDeliveryLedger, "settle_batch", generous)
    with pytest.raises(AssertionError):
        Ledger().test_the_ledger_keeps_its_promise()


def test_a_store_that_forgets_who_left_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    async def forgetful(self: InMemorySubscriberRepository, subscribers: Sequence[Subscriber]) -> None:
        assert isinstance(self, InMemorySubscriberRepository)

    monkeypatch.setattr(InMemorySubscriberRepository, "save_batch", forgetful)
    with pytest.raises(AssertionError):
        Subscribers().test_a_subscribers_life_keeps_to_its_table()


@pytest.mark.parametrize(("share", "expected"), [(0.05, 5), (0.001, 1)])
def test_a_share_of_the_usual_examples_is_tried(share: float, expected: int) -> None:
    made: list[StoreMachine] = []

    class Idle(StoreMachine):
        def __init__(self, contract: Contract) -> None:
            super().__init__(contract)
            made.append(self)

        @rule()
        def do_nothing(self) -> None:
            assert isinstance(self.uow, InMemoryUnitOfWork)

    tried = Memory()
    tried.share = share
    hold(Idle, tried, steps=3)
    assert 1 <= len(made) <= expected
