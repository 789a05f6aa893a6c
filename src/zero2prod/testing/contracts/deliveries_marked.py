from collections.abc import Callable

import attrs
import pytest

from zero2prod.testing.builders import (
    T0,
    delivery,
    later,
    new_id,
)
from zero2prod.testing.contract import Contract
from zero2prod.testing.contracts.beginnings import AT_LEASE_END, JUST, OK, attempting, claimed, signed_up, suppress
from zero2prod.testing.faults import rolled_back
from zero2prod.testing.ledger import mark
from zero2prod_core.domain.deliveries import DeliveryState, Mark
from zero2prod_core.domain.letters import LetterState
from zero2prod_core.domain.subscribers import Event
from zero2prod_core.domain.suppressions import Reason
from zero2prod_core.domain.tokens import Purpose
from zero2prod_core.ports.deliveries import Settled

PENDING, LEASED, ATTEMPTING = DeliveryState.PENDING, DeliveryState.LEASED, DeliveryState.ATTEMPTING
SENT, SUPPRESSED, CANCELLED = DeliveryState.SENT, DeliveryState.SUPPRESSED, DeliveryState.CANCELLED


class MarksContract(Contract):
    """Whether a mail may be completed."""

    async def test_a_granted_mark_is_granted_again_to_whoever_holds_it(self) -> None:
        _, _, taken = await claimed(self.ledger)
        assert await self.ledger.mark(taken) == [True]
        assert await self.ledger.state(taken.key) == ATTEMPTING
        assert await self.ledger.mark(taken) == [True]
        assert await self.ledger.mark(attrs.evolve(taken, lease=new_id())) == [False]
        assert await self.ledger.mark(taken, at=later(AT_LEASE_END)) == [False]
        assert await self.ledger.state(taken.key) == ATTEMPTING

    async def test_a_settled_row_has_no_mark_to_grant(self) -> None:
        _, _, taken = await attempting(self.ledger)
        await self.ledger.report(taken, OK)
        assert await self.ledger.mark(taken) == [False]
        assert await self.ledger.state(taken.key) == SENT

    async def test_a_mark_falls_with_its_transaction(self) -> None:
        _, _, taken = await claimed(self.ledger)
        await rolled_back(self.ledger.uow, lambda tx: tx.deliveries.settle_batch([], [mark(taken)], T0))
        assert await self.ledger.state(taken.key) == LEASED
        assert await self.ledger.mark(taken) == [True]

    async def test_marks_are_granted_one_by_one(self) -> None:
        words, readers = await self.ledger.letter(), await self.ledger.readers(3)
        await self.ledger.enqueue(*(delivery(words, reader) for reader in readers))
        batch = sorted(await self.ledger.claim(), key=lambda each: each.key)
        gone = next(reader for reader in readers if reader.id == batch[1].key.recipient)
        await self.ledger.save(gone.on(Event.UNSUBSCRIBE))
        assert await self.ledger.mark(*batch[::-1]) == [True, False, True]
        assert await self.ledger.sums(words) == {ATTEMPTING: 2, SUPPRESSED: 1}

    @pytest.mark.parametrize(
        "stale",
        [
            lambda wish: attrs.evolve(wish, lease=new_id()),
            lambda wish: attrs.evolve(wish, attempt=wish.attempt + 1),
            lambda wish: attrs.evolve(wish, attempt=wish.attempt - 1),
            lambda wish: attrs.evolve(wish, key=attrs.evolve(wish.key, occasion=new_id())),
        ],
        ids=["lease", "later attempt", "earlier attempt", "row"],
    )
    async def test_a_mark_of_another_claim_changes_nothing(self, stale: Callable[[Mark], Mark]) -> None:
        _, _, taken = await claimed(self.ledger)
        assert await self.ledger.settle([], [stale(mark(taken))]) == Settled((), (False,))
        assert await self.ledger.state(taken.key) == LEASED

    async def test_under_an_ended_lease_no_mark_is_granted(self) -> None:
        _, reader, taken = await claimed(self.ledger)
        await self.ledger.save(reader.on(Event.UNSUBSCRIBE))
        assert await self.ledger.mark(taken, at=later(AT_LEASE_END)) == [False]
        assert await self.ledger.state(taken.key) == LEASED

    async def test_a_lease_holds_to_its_last_moment(self) -> None:
        _, _, taken = await claimed(self.ledger)
        assert await self.ledger.mark(taken, at=later(AT_LEASE_END - JUST)) == [True]

    @pytest.mark.parametrize("event", [Event.UNSUBSCRIBE, Event.BOUNCE, Event.COMPLAIN])
    async def test_nobody_is_mailed_after_leaving(self, event: Event) -> None:
        _, reader, taken = await claimed(self.ledger)
        await self.ledger.save(reader.on(event))
        assert await self.ledger.mark(taken) == [False]
        assert await self.ledger.state(taken.key) == SUPPRESSED

    async def test_nobody_is_mailed_after_pausing(self) -> None:
        _, reader, taken = await claimed(self.ledger)
        await self.ledger.save(attrs.evolve(reader, paused_until=later(1)))
        assert await self.ledger.mark(taken) == [False]
        assert await self.ledger.state(taken.key) == SUPPRESSED

    async def test_nobody_is_mailed_after_being_suppressed(self) -> None:
        _, reader, taken = await claimed(self.ledger)
        await suppress(self.ledger, reader, Reason.MANUAL)
        assert await self.ledger.mark(taken) == [False]
        assert await self.ledger.state(taken.key) == SUPPRESSED

    async def test_no_confirmation_is_sent_after_its_token_is_gone(self) -> None:
        _, link, _ = await signed_up(self.ledger)
        (taken,) = await self.ledger.claim(urgent=True)
        async with self.ledger.uow() as tx:
            await tx.tokens.revoke(link.subject, Purpose.CONFIRM)
        assert await self.ledger.mark(taken) == [False]
        assert await self.ledger.state(taken.key) == CANCELLED

    async def test_a_closed_letters_row_is_cancelled(self) -> None:
        words, _, taken = await claimed(self.ledger)
        await self.ledger.save_letter(attrs.evolve(words, state=LetterState.CLOSED))
        assert await self.ledger.mark(taken) == [False]
        assert await self.ledger.state(taken.key) == CANCELLED

    async def test_a_mark_that_was_granted_before_its_letter_closed_holds(self) -> None:
        words, _, taken = await attempting(self.ledger)
        await self.ledger.save_letter(attrs.evolve(words, state=LetterState.CLOSED))
        assert await self.ledger.mark(taken) == [True]
        assert await self.ledger.report(taken, OK)
        assert await self.ledger.sums(words) == {SENT: 1}

    async def test_a_paused_letters_row_goes_back(self) -> None:
        words, _, taken = await claimed(self.ledger)
        await self.ledger.save_letter(attrs.evolve(words, state=LetterState.PAUSED))
        assert await self.ledger.mark(taken) == [False]
        assert await self.ledger.state(taken.key) == PENDING
        assert await self.ledger.claim() == []
        await self.ledger.save_letter(words)
        (again,) = await self.ledger.claim()
        assert (again.key, again.attempt) == (taken.key, 1)
