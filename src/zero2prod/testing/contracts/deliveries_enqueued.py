from datetime import timedelta
from uuid import UUID

import pytest

from zero2prod.testing.builders import T0, delivery, later, letter, new_id, newsletter, subscriber
from zero2prod.testing.contract import Contract
from zero2prod.testing.contracts.beginnings import LATER, LOST, OK, attempting, signed_up, suppress
from zero2prod.testing.faults import rolled_back
from zero2prod.testing.ledger import Ledger
from zero2prod_core.domain.deliveries import DeliveryKey, DeliveryState
from zero2prod_core.domain.letters import LetterKind, LetterState
from zero2prod_core.domain.subscribers import Status
from zero2prod_core.domain.suppressions import Reason
from zero2prod_core.ports.deliveries import Backlog

PENDING, LEASED = DeliveryState.PENDING, DeliveryState.LEASED
UNCERTAIN = DeliveryState.UNCERTAIN


async def published(ledger: Ledger, **changes: object) -> tuple[int, set[UUID]]:
    """Publish to everyone in the store; returns how many there are, and who could be mailed then."""
    words = await ledger.letter(**changes)
    count = await ledger.enqueue_audience(words)
    return count, {claimed.key.recipient for claimed in await ledger.claim()}


class EnqueuingContract(Contract):
    """How rows come into the ledger."""

    async def test_enqueued_rows_are_pending_and_due_at_once(self) -> None:
        words, (reader,) = await self.ledger.letter(), await self.ledger.readers(1)
        row = delivery(words, reader)
        assert await self.ledger.enqueue(row) == 1
        assert await self.ledger.state(row.key) == PENDING
        assert [claimed.key for claimed in await self.ledger.claim(at=T0)] == [row.key]

    async def test_a_row_whose_key_exists_is_left_as_it_is(self) -> None:
        words, (first, second) = await self.ledger.letter(), await self.ledger.readers(2)
        rows = [delivery(words, first), delivery(words, second)]
        assert await self.ledger.enqueue(rows[0]) == 1
        await self.ledger.claim()
        assert await self.ledger.enqueue(*rows, at=later(5)) == 1
        assert await self.ledger.enqueue(*rows) == 0
        assert await self.ledger.enqueue() == 0
        assert await self.ledger.states([row.key for row in rows]) == {rows[0].key: LEASED, rows[1].key: PENDING}

    async def test_occasions_tell_rows_apart(self) -> None:
        words, (reader,) = await self.ledger.letter(), await self.ledger.readers(1)
        assert await self.ledger.enqueue(*(delivery(words, reader, new_id()) for _ in range(3))) == 3
        assert await self.ledger.sums(words) == {PENDING: 3}

    async def test_enqueued_rows_fall_with_their_transaction(self) -> None:
        words, (reader,) = await self.ledger.letter(), await self.ledger.readers(1)
        await rolled_back(self.ledger.uow, lambda tx: tx.deliveries.enqueue_batch([delivery(words, reader)]))
        assert await self.ledger.sums(words) == {}
        assert await self.ledger.claim() == []

    async def test_a_row_can_be_claimed_in_the_transaction_that_added_it(self) -> None:
        words, (reader,) = await self.ledger.letter(), await self.ledger.readers(1)
        row, lasts = delivery(words, reader), timedelta(seconds=30)
        async with self.ledger.uow() as tx:
            await tx.deliveries.enqueue_batch([row], T0)
            assert await tx.deliveries.sums(words.id) == {PENDING: 1}
            assert await tx.deliveries.unfinished(T0) == 1
            (claimed,) = await tx.deliveries.claim_batch(new_id(), "worker", lasts, 5, urgent=False, at=T0)
            assert claimed.key == row.key
            assert await tx.deliveries.sums(words.id) == {LEASED: 1}
            assert await tx.deliveries.unfinished(T0) == 1


class AudienceContract(Contract):
    """Who is in the audience of an issue."""

    async def test_every_confirmed_subscriber_is_in_the_audience(self) -> None:
        readers = await self.ledger.readers(3)
        await self.ledger.add(*(subscriber(status=status) for status in Status if status is not Status.CONFIRMED))
        assert await published(self.ledger) == (3, {reader.id for reader in readers})

    async def test_nobody_of_another_newsletter_is_in_the_audience(self) -> None:
        other = newsletter()
        async with self.ledger.uow() as tx:
            await tx.newsletters.add(other)
        (here,) = await self.ledger.readers(1)
        (there,) = await self.ledger.add(subscriber(here.email, newsletter=other.id))
        assert await published(self.ledger) == (1, {here.id})
        assert await published(self.ledger, newsletter=other.id) == (1, {there.id})

    async def test_nobody_who_paused_is_in_the_audience(self) -> None:
        over, lasting = subscriber(paused_until=T0), subscriber(paused_until=later(0.000001))
        await self.ledger.add(over, lasting)
        assert await published(self.ledger) == (1, {over.id})

    @pytest.mark.parametrize("reason", Reason)
    async def test_nobody_who_is_suppressed_is_in_the_audience(self, reason: Reason) -> None:
        mailed, spared = await self.ledger.readers(2)
        await suppress(self.ledger, spared, reason)
        assert await published(self.ledger) == (1, {mailed.id})

    async def test_enqueuing_an_audience_again_adds_only_who_is_new(self) -> None:
        words, _ = await self.ledger.letter(), await self.ledger.readers(2)
        counts = []
        for _ in range(2):
            counts.append(await self.ledger.enqueue_audience(words))
            await self.ledger.readers(1)
        assert counts == [2, 1]
        assert await self.ledger.sums(words) == {PENDING: 3}

    async def test_rows_of_an_audience_are_like_any_others(self) -> None:
        words, (reader,) = await self.ledger.letter(), await self.ledger.readers(1)
        assert await self.ledger.enqueue_audience(words, timedelta(hours=1)) == 1
        assert await self.ledger.enqueue(delivery(words, reader)) == 0
        (taken,) = await self.ledger.claim(at=later(3600))
        assert (taken.key, taken.attempt) == (delivery(words, reader).key, 1)


class CountingContract(Contract):
    """What the ledger says of itself."""

    async def test_states_of_unknown_keys_are_missing(self) -> None:
        words, (reader,) = await self.ledger.letter(), await self.ledger.readers(1)
        row = delivery(words, reader)
        await self.ledger.enqueue(row)
        unknown = DeliveryKey(words.id, new_id())
        assert await self.ledger.states([unknown, row.key]) == {row.key: PENDING}
        assert await self.ledger.states([]) == {}

    async def test_sums_are_of_one_letter(self) -> None:
        first, second = await self.ledger.letter(), await self.ledger.letter()
        readers = await self.ledger.readers(3)
        await self.ledger.enqueue(*(delivery(first, reader) for reader in readers), delivery(second, readers[0]))
        assert await self.ledger.sums(first) == {PENDING: 3}
        assert await self.ledger.sums(second) == {PENDING: 1}
        assert await self.ledger.sums(letter()) == {}

    async def test_it_is_known_whether_any_mail_of_some_letters_was_sent(self) -> None:
        sent, _, taken = await attempting(self.ledger)
        waiting, _, _ = await attempting(self.ledger)
        found = []
        for _ in range(2):
            async with self.ledger.uow.reading() as tx:
                found.append([await tx.deliveries.any_sent(ids) for ids in ([sent.id, waiting.id], [waiting.id], [])])
            await self.ledger.report(taken, OK)
        assert found == [[False, False, False], [True, False, False]]

    async def test_a_mail_that_may_have_arrived_is_not_known_to_be_sent(self) -> None:
        words, _, taken = await attempting(self.ledger)
        assert await self.ledger.report(taken, LOST)
        assert await self.ledger.sums(words) == {UNCERTAIN: 1}
        async with self.ledger.uow.reading() as tx:
            assert not await tx.deliveries.any_sent([words.id])

    async def test_a_sent_mail_is_found_whichever_of_the_letters_it_is_of(self) -> None:
        letters = [(await attempting(self.ledger))[0] for _ in range(2)]
        sent, _, taken = await attempting(self.ledger)
        assert await self.ledger.report(taken, OK)
        first, second = (words.id for words in letters)
        async with self.ledger.uow.reading() as tx:
            for ids in ([sent.id, first, second], [first, sent.id, second], [first, second, sent.id]):
                assert await tx.deliveries.any_sent(ids)

    async def test_unfinished_are_the_due_and_the_held_of_open_letters(self) -> None:
        words, paused = await self.ledger.letter(), await self.ledger.letter(state=LetterState.PAUSED)
        readers = await self.ledger.readers(4)
        await self.ledger.enqueue(*(delivery(words, reader) for reader in readers[:3]), delivery(paused, readers[0]))
        await self.ledger.enqueue(delivery(words, readers[3]), at=later(60))
        seen = [await self.ledger.unfinished(T0), await self.ledger.unfinished(later(60))]
        first, second = await self.ledger.claim(2)
        seen.append(await self.ledger.unfinished(T0))
        assert await self.ledger.mark(first, second) == [True, True]
        seen.append(await self.ledger.unfinished(T0))
        assert await self.ledger.report(first, LATER)
        seen += [await self.ledger.unfinished(at) for at in (T0, later(299), later(300))]
        assert seen == [3, 4, 3, 3, 2, 3, 4]

    async def test_the_backlog_is_what_is_due_and_held_by_nobody(self) -> None:
        words, paused = await self.ledger.letter(), await self.ledger.letter(state=LetterState.PAUSED)
        readers = await self.ledger.readers(3)
        await self.ledger.enqueue(delivery(words, readers[0]), delivery(paused, readers[0]))
        await self.ledger.enqueue(*(delivery(words, reader) for reader in readers[1:]), at=later(60))
        assert await self.ledger.backlog(later(59)) == {LetterKind.ISSUE: Backlog(1, timedelta(seconds=59))}
        assert await self.ledger.backlog(later(90)) == {LetterKind.ISSUE: Backlog(3, timedelta(seconds=90))}
        await self.ledger.claim(1, at=later(90))
        assert await self.ledger.backlog(later(90)) == {LetterKind.ISSUE: Backlog(2, timedelta(seconds=30))}

    async def test_the_backlog_is_told_by_kind_over_all_letters(self) -> None:
        await signed_up(self.ledger)
        for at in (0, 10):
            words, (reader,) = await self.ledger.letter(), await self.ledger.readers(1)
            await self.ledger.enqueue(delivery(words, reader), at=later(at))
        seen = await self.ledger.backlog(later(30))
        assert seen[LetterKind.ISSUE] == Backlog(2, timedelta(seconds=30))
        assert (set(seen), seen[LetterKind.CONFIRMATION].due) == ({LetterKind.ISSUE, LetterKind.CONFIRMATION}, 1)

    async def test_nothing_due_is_no_backlog(self) -> None:
        assert await self.ledger.backlog(T0) == {}
