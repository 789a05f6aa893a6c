from datetime import timedelta

import attrs
import pytest

from zero2prod.testing.builders import T0, delivery, later
from zero2prod.testing.contract import Contract
from zero2prod.testing.contracts.beginnings import JUST, LATER, LOST, NEVER, OK, attempting, claimed, signed_up
from zero2prod.testing.faults import rolled_back
from zero2prod.testing.ledger import Ledger
from zero2prod_core.domain.deliveries import RESEND_AFTER, DeliveryState
from zero2prod_core.domain.letters import Letter, LetterState, UncertainPolicy
from zero2prod_core.domain.subscribers import Event

PENDING, DEFERRED, LEASED = DeliveryState.PENDING, DeliveryState.DEFERRED, DeliveryState.LEASED
UNCERTAIN, SENT, FAILED = DeliveryState.UNCERTAIN, DeliveryState.SENT, DeliveryState.FAILED
SUPPRESSED, CANCELLED = DeliveryState.SUPPRESSED, DeliveryState.CANCELLED

LONG_AFTER = later(86400)


async def sent(ledger: Ledger, count: int = 1, *, at: float = 0) -> Letter:
    """A closed letter, all of which was sent at this second."""
    words, readers = await ledger.letter(), await ledger.readers(count)
    await ledger.enqueue(*(delivery(words, reader) for reader in readers))
    for taken in await ledger.claim():
        await ledger.mark(taken)
        await ledger.report(taken, OK, at=later(at))
    return await closed(ledger, words)


async def closed(ledger: Ledger, words: Letter) -> Letter:
    ended = attrs.evolve(words, state=LetterState.CLOSED)
    await ledger.save_letter(ended)
    return ended


class CompactionContract(Contract):
    """Old rows become sums."""

    async def test_the_sums_stay_as_they_were(self) -> None:
        words, readers = await self.ledger.letter(), await self.ledger.readers(6)
        await self.ledger.enqueue(*(delivery(words, reader) for reader in readers))
        await self.ledger.save(readers[0].on(Event.UNSUBSCRIBE))
        first, second, third, fourth, _ = await self.ledger.claim()
        await self.ledger.mark(first, second, third, fourth)
        for taken, outcome in ((first, OK), (second, NEVER), (third, LOST), (fourth, LATER)):
            await self.ledger.report(taken, outcome)
        await closed(self.ledger, words)
        assert await self.ledger.cancel() == 1
        before = await self.ledger.sums(words)
        assert before == {SUPPRESSED: 1, SENT: 1, FAILED: 1, UNCERTAIN: 1, CANCELLED: 1, LEASED: 1}
        assert await self.ledger.compact(LONG_AFTER) == 3
        assert await self.ledger.sums(words) == before
        assert await self.ledger.state(first.key) is None
        assert await self.ledger.state(second.key) is FAILED

    async def test_sums_of_several_times_add_up(self) -> None:
        words = await sent(self.ledger, 5)
        assert [await self.ledger.compact(LONG_AFTER, 2) for _ in range(4)] == [2, 2, 1, 0]
        assert await self.ledger.sums(words) == {SENT: 5}

    async def test_each_letter_keeps_its_own(self) -> None:
        first, second, other = await sent(self.ledger), await sent(self.ledger, 2), await self.ledger.letter()
        assert await self.ledger.compact(LONG_AFTER) == 3
        assert [await self.ledger.sums(each) for each in (first, second, other)] == [{SENT: 1}, {SENT: 2}, {}]

    async def test_what_was_sent_is_still_known_to_be(self) -> None:
        words = await sent(self.ledger)
        await self.ledger.compact(LONG_AFTER)
        assert await self.ledger.any_sent(words)
        assert not await self.ledger.any_sent(await self.ledger.letter())

    async def test_only_what_was_settled_before_goes(self) -> None:
        await sent(self.ledger, at=10)
        assert await self.ledger.compact(later(10)) == 0
        assert await self.ledger.compact(later(10 + JUST)) == 1

    @pytest.mark.parametrize("state", [LetterState.OPEN, LetterState.PAUSED])
    async def test_an_issues_letter_that_is_not_closed_keeps_its_rows(self, state: LetterState) -> None:
        words = await sent(self.ledger)
        await self.ledger.save_letter(attrs.evolve(words, state=state))
        assert await self.ledger.compact(LONG_AFTER) == 0

    async def test_a_letter_that_is_no_issues_is_never_closed_and_loses_them_all_the_same(self) -> None:
        _, _, row = await signed_up(self.ledger)
        (taken,) = await self.ledger.claim(urgent=True)
        await self.ledger.mark(taken)
        await self.ledger.report(taken, OK)
        assert await self.ledger.compact(LONG_AFTER) == 1
        assert await self.ledger.state(row.key) is None

    async def test_what_is_in_doubt_or_may_have_come_twice_is_kept(self) -> None:
        words, _, taken = await attempting(self.ledger)
        await self.ledger.report(taken, LOST)
        await self.ledger.expire(T0 + RESEND_AFTER)
        (again,) = await self.ledger.claim(at=T0 + RESEND_AFTER)
        await self.ledger.mark(again, at=T0 + RESEND_AFTER)
        await self.ledger.report(again, OK, at=T0 + RESEND_AFTER)
        await closed(self.ledger, words)
        held, _, lost = await attempting(self.ledger, uncertain=UncertainPolicy.HOLD)
        await self.ledger.report(lost, LOST)
        await closed(self.ledger, held)
        assert await self.ledger.compact(LONG_AFTER) == 0
        assert [await self.ledger.possibly_twice(each) for each in (words, held)] == [1, 0]

    async def test_what_waits_or_is_held_is_kept(self) -> None:
        words, _, _ = await claimed(self.ledger)
        (another,) = await self.ledger.readers(1)
        await self.ledger.enqueue(delivery(words, another))
        await closed(self.ledger, words)
        assert await self.ledger.compact(T0 + timedelta(days=365)) == 0
        assert await self.ledger.sums(words) == {LEASED: 1, PENDING: 1}

    async def test_sums_fall_with_their_transaction(self) -> None:
        words = await sent(self.ledger)
        await rolled_back(self.uow, lambda tx: tx.deliveries.compact(LONG_AFTER, 10))
        assert await self.ledger.sums(words) == {SENT: 1}
        assert await self.ledger.compact(LONG_AFTER) == 1
