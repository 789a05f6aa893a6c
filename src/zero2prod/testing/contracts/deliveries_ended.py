"""Letters that are closed before all is sent, and failed rows of those that are opened again."""

from datetime import timedelta

import attrs
import pytest

from zero2prod.testing.builders import T0, delivery, later, new_id
from zero2prod.testing.contract import Contract
from zero2prod.testing.contracts.beginnings import DEAD, JUST, LATER, LOST, NEVER, OK, attempting, claimed
from zero2prod.testing.ledger import Ledger
from zero2prod_core.domain.deliveries import DeliveryKey, DeliveryState, Outcome
from zero2prod_core.domain.letters import Letter, LetterState

PENDING, DEFERRED, LEASED = DeliveryState.PENDING, DeliveryState.DEFERRED, DeliveryState.LEASED
ATTEMPTING, UNCERTAIN, SENT = DeliveryState.ATTEMPTING, DeliveryState.UNCERTAIN, DeliveryState.SENT
FAILED, CANCELLED = DeliveryState.FAILED, DeliveryState.CANCELLED


async def close(ledger: Ledger, words: Letter) -> None:
    await ledger.save_letter(attrs.evolve(words, state=LetterState.CLOSED))


class CancellingContract(Contract):
    """What still waits of a letter that was closed."""

    async def test_waiting_rows_of_a_closed_letter_are_cancelled_whether_due_or_not(self) -> None:
        words, _, taken = await attempting(self.ledger)
        await self.ledger.report(taken, LATER)
        (another,) = await self.ledger.readers(1)
        await self.ledger.enqueue(delivery(words, another))
        assert await self.ledger.sums(words) == {DEFERRED: 1, PENDING: 1}
        await close(self.ledger, words)
        assert await self.ledger.cancel() == 2
        assert await self.ledger.sums(words) == {CANCELLED: 2}
        assert await self.ledger.cancel() == 0

    async def test_what_a_worker_holds_or_nobody_knows_is_left(self) -> None:
        words, readers = await self.ledger.letter(), await self.ledger.readers(4)
        await self.ledger.enqueue(*(delivery(words, reader) for reader in readers))
        first, second, third, _ = await self.ledger.claim()
        await self.ledger.mark(first, second, third)
        await self.ledger.report(first, OK)
        await self.ledger.report(second, LOST)
        await close(self.ledger, words)
        assert await self.ledger.cancel() == 0
        assert await self.ledger.sums(words) == {SENT: 1, UNCERTAIN: 1, ATTEMPTING: 1, LEASED: 1}

    async def test_a_result_that_puts_a_closed_letters_row_off_leaves_it_to_be_cancelled(self) -> None:
        words, _, taken = await attempting(self.ledger)
        await close(self.ledger, words)
        assert await self.ledger.report(taken, LATER)
        assert await self.ledger.cancel() == 1
        assert await self.ledger.state(taken.key) is CANCELLED

    async def test_letters_that_are_open_or_paused_are_left(self) -> None:
        paused, going = await self.ledger.letter(state=LetterState.PAUSED), await self.ledger.letter()
        (reader,) = await self.ledger.readers(1)
        await self.ledger.enqueue(delivery(paused, reader), delivery(going, reader))
        assert await self.ledger.cancel() == 0

    async def test_no_more_are_cancelled_than_the_limit(self) -> None:
        closed = [await self.ledger.letter(state=LetterState.CLOSED) for _ in range(2)]
        readers = await self.ledger.readers(2)
        await self.ledger.enqueue(*(delivery(words, reader) for words in closed for reader in readers))
        assert [await self.ledger.cancel(limit=3) for _ in range(3)] == [3, 1, 0]


class RevivingContract(Contract):
    """Failed rows, which a person has tried once more."""

    async def failed_of_its_own_occasion(self) -> tuple[Letter, DeliveryKey]:
        """A row that is no issue's, whose time was over before it was tried."""
        words, (reader,) = await self.ledger.letter(), await self.ledger.readers(1)
        row = delivery(words, reader, new_id(), give_up_at=T0)
        await self.ledger.enqueue(row)
        assert await self.ledger.claim() == []
        return words, row.key

    @pytest.mark.parametrize("outcome", [NEVER, DEAD], ids=["rejected", "dead"])
    async def test_failed_rows_are_due_at_once_and_their_attempts_count_anew(self, outcome: Outcome) -> None:
        words, _, taken = await attempting(self.ledger)
        await self.ledger.report(taken, outcome)
        assert await self.ledger.revive(words, at=later(100)) == 1
        assert await self.ledger.sums(words) == {PENDING: 1}
        (again,) = await self.ledger.claim(at=later(100))
        assert (again.key, again.attempt) == (taken.key, 1)

    async def test_its_retries_follow_the_schedule_from_the_start(self) -> None:
        words, _, taken = await attempting(self.ledger)
        await self.ledger.report(taken, LATER)
        (second,) = await self.ledger.claim(at=later(300))
        await self.ledger.report(second, NEVER, at=later(300))
        await self.ledger.revive(words, at=later(300))
        (again,) = await self.ledger.claim(at=later(300))
        await self.ledger.report(again, LATER, at=later(300))
        assert await self.ledger.claim(at=later(600 - JUST)) == []
        assert [each.attempt for each in await self.ledger.claim(at=later(600))] == [2]

    async def test_it_is_given_up_anew(self) -> None:
        words, row = await self.failed_of_its_own_occasion()
        wait = timedelta(minutes=5)
        await self.ledger.revive(words, wait, at=later(100))
        (again,) = await self.ledger.claim(at=later(100) + wait - timedelta(microseconds=1))
        await self.ledger.release(again.lease)
        assert await self.ledger.claim(at=later(100) + wait) == []
        assert await self.ledger.state(row) is FAILED

    async def test_a_row_that_was_given_up_is_revived_too(self) -> None:
        words, _ = await self.failed_of_its_own_occasion()
        assert await self.ledger.revive(words) == 1
        assert len(await self.ledger.claim()) == 1

    async def test_only_failed_rows_of_the_letter_are_revived(self) -> None:
        words, readers = await self.ledger.letter(), await self.ledger.readers(4)
        other, _, elsewhere = await attempting(self.ledger)
        await self.ledger.report(elsewhere, NEVER)
        await self.ledger.enqueue(*(delivery(words, reader) for reader in readers))
        first, second, third, _ = await self.ledger.claim()
        await self.ledger.mark(first, second, third)
        for taken, outcome in ((first, OK), (second, LOST), (third, LATER)):
            await self.ledger.report(taken, outcome)
        assert await self.ledger.revive(words) == 0
        assert await self.ledger.sums(words) == {SENT: 1, UNCERTAIN: 1, DEFERRED: 1, LEASED: 1}
        assert await self.ledger.sums(other) == {FAILED: 1}

    async def test_a_report_of_its_earlier_life_changes_nothing(self) -> None:
        words, _, first = await attempting(self.ledger)
        await self.ledger.report(first, NEVER)
        await self.ledger.revive(words)
        (second,) = await self.ledger.claim()
        assert await self.ledger.mark(first, second) == [False, True]
        assert not await self.ledger.report(first, OK)
        assert await self.ledger.report(second, OK)

    async def test_a_closed_letters_row_goes_when_the_letter_is_opened_again(self) -> None:
        words, _, taken = await claimed(self.ledger)
        await self.ledger.report(taken, NEVER)
        await close(self.ledger, words)
        assert await self.ledger.revive(words) == 1
        assert await self.ledger.claim() == []
        await self.ledger.save_letter(words)
        keys: list[DeliveryKey] = [each.key for each in await self.ledger.claim()]
        assert keys == [taken.key]
