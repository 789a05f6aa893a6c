import attrs

from zero2prod.testing.builders import confirmation, delivery, later, new_id, pending_subscriber, token
from zero2prod.testing.contract import Contract
from zero2prod_core.domain.deliveries import Deferred, DeliveryState, Rejected, Reply
from zero2prod_core.domain.letters import LetterKind
from zero2prod_core.domain.people import Mailing
from zero2prod_core.domain.refusals import Recent

REFUSED = Rejected(Reply(550, "5.7.1 no ada here"), blames_letter=True)
LATER = Deferred(Reply(450, "4.2.1 ada is full"))


class ForgottenContract(Contract):
    """What is known of recipients, and how it is emptied."""

    async def test_deliveries_of_recipients_are_told_oldest_first_with_their_letters(self) -> None:
        ledger = self.ledger
        words, (reader, other) = await ledger.letter(subject="First words"), await ledger.readers(2)
        by = token(new_id())
        await ledger.enqueue(delivery(words, reader), delivery(words, other), at=later(1))
        await ledger.enqueue(confirmation(reader, by), at=later(0))
        (taken,) = [each for each in await ledger.claim(at=later(2)) if each.key.recipient == reader.id]
        await ledger.mark(taken, at=later(2))
        await ledger.report(taken, REFUSED, at=later(3))
        async with self.uow.reading() as tx:
            found = await tx.deliveries.of_recipients([reader.id, new_id()])
            assert await tx.deliveries.of_recipients([]) == []
        waiting, failed = DeliveryState.PENDING, DeliveryState.FAILED
        assert found == [
            Mailing(reader.id, LetterKind.CONFIRMATION, None, waiting, 0, later(0), None, None),
            Mailing(reader.id, LetterKind.ISSUE, "First words", failed, 1, later(1), later(3), REFUSED.reply),
        ]

    async def test_forgetting_recipients_cancels_what_waits_and_empties_what_servers_said(self) -> None:
        ledger = self.ledger
        words, (reader, other) = await ledger.letter(), await ledger.readers(2)
        await ledger.enqueue(delivery(words, reader), delivery(words, other))
        for taken in await ledger.claim():
            await ledger.mark(taken)
            await ledger.report(taken, LATER)
        second = await ledger.letter()
        await ledger.enqueue(delivery(second, reader))
        async with self.uow() as tx:
            await tx.deliveries.forget([reader.id], later(9))
            await tx.deliveries.forget([], later(9))
            theirs = await tx.deliveries.of_recipients([reader.id])
            kept = await tx.deliveries.of_recipients([other.id])
        assert [(each.state, each.settled_at, each.reply) for each in theirs] == [
            (DeliveryState.CANCELLED, later(9), None)
        ] * 2
        assert [(each.state, each.reply) for each in kept] == [(DeliveryState.DEFERRED, LATER.reply)]
        assert await ledger.sums(words) == {DeliveryState.CANCELLED: 1, DeliveryState.DEFERRED: 1}

    async def test_a_server_that_answers_after_forgetting_is_not_written_down(self) -> None:
        ledger = self.ledger
        words, (reader,) = await ledger.letter(), await ledger.readers(1)
        await ledger.enqueue(delivery(words, reader))
        (taken,) = await ledger.claim()
        await ledger.mark(taken)
        async with self.uow() as tx:
            await tx.deliveries.forget([reader.id])
        assert await ledger.state(taken.key) is DeliveryState.ATTEMPTING
        assert await ledger.report(taken, REFUSED, at=later(1))
        assert await ledger.recent(words) == [Recent("", True)]
        async with self.uow.reading() as tx:
            (found,) = await tx.deliveries.of_recipients([reader.id])
        assert (found.state, found.settled_at, found.reply) == (DeliveryState.FAILED, later(1), None)

    async def test_whoever_is_gone_before_the_mark_gets_no_mail(self) -> None:
        ledger, reader, by = self.ledger, pending_subscriber(), token(new_id())
        await ledger.add(reader)
        async with self.uow() as tx:
            await tx.tokens.add_batch([attrs.evolve(by, expires_at=later(1e6))])
        await ledger.enqueue(confirmation(reader, by))
        (taken,) = await ledger.claim(urgent=True)
        async with self.uow() as tx:
            await tx.subscribers.remove_batch([reader.id])
            await tx.deliveries.forget([reader.id])
        assert await ledger.mark(taken) == [False]
        assert await ledger.state(taken.key) is DeliveryState.SUPPRESSED
