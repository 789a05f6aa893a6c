"""Rows in doubt, and what a person decides about them."""

import attrs

from zero2prod.testing.builders import T0, account, delivery, email, later, new_id, notice
from zero2prod.testing.contract import Contract
from zero2prod.testing.contracts.beginnings import AT_LEASE_END, DEAD, LATER, LOST, NEVER, OK, attempting
from zero2prod.testing.ledger import Ledger
from zero2prod_core.domain.deliveries import RESEND_AFTER, Claimed, DeliveryState, FailedDelivery, InDoubt, Resolution
from zero2prod_core.domain.letters import Letter, LetterKind, UncertainPolicy, template_letter
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER
from zero2prod_core.domain.subscribers import Event

PENDING, UNCERTAIN, SENT = DeliveryState.PENDING, DeliveryState.UNCERTAIN, DeliveryState.SENT
FAILED = DeliveryState.FAILED
RESEND, ACCEPT = Resolution.RESEND, Resolution.ACCEPT


async def in_doubt(ledger: Ledger, count: int) -> tuple[Letter, list[Claimed]]:
    """A letter that holds what is in doubt, and so many rows of it that are, in the order of keys."""
    words, readers = await ledger.letter(uncertain=UncertainPolicy.HOLD), await ledger.readers(count)
    await ledger.enqueue(*(delivery(words, reader) for reader in readers))
    taken = sorted(await ledger.claim(), key=lambda each: each.key)
    await ledger.mark(*taken)
    for each in taken:
        assert await ledger.report(each, LOST)
    return words, taken


async def lose(ledger: Ledger, at: float) -> Claimed:
    """Take the one row that is due, and lose its answer."""
    (taken,) = await ledger.claim(at=later(at))
    await ledger.mark(taken, at=later(at))
    assert await ledger.report(taken, LOST, at=later(at))
    return taken


class DoubtsContract(Contract):
    """What a person sees of them."""

    async def test_a_doubt_names_its_recipient_and_says_what_was_heard(self) -> None:
        words, reader, taken = await attempting(self.ledger)
        await self.ledger.report(taken, LOST, at=later(1))
        doubt = InDoubt(taken.key, reader.email, 1, later(1) + RESEND_AFTER, LOST.reply)
        assert await self.ledger.doubtful(words) == [doubt]

    async def test_of_a_worker_that_died_nothing_was_heard(self) -> None:
        words, reader, taken = await attempting(self.ledger)
        await self.ledger.expire(later(AT_LEASE_END))
        doubt = InDoubt(taken.key, reader.email, 1, later(AT_LEASE_END) + RESEND_AFTER, None)
        assert await self.ledger.doubtful(words) == [doubt]

    async def test_who_left_meanwhile_is_named_all_the_same(self) -> None:
        words, reader, taken = await attempting(self.ledger)
        await self.ledger.report(taken, LOST)
        await self.ledger.save(reader.on(Event.UNSUBSCRIBE))
        assert [each.email for each in await self.ledger.doubtful(words)] == [reader.email]

    async def test_staff_are_named_while_they_have_an_e_mail_address(self) -> None:
        where = email()
        staff = account(email=where)
        async with self.uow() as tx:
            await tx.accounts.add(staff)
        await self.ledger.enqueue(notice(staff, where))
        (taken,) = await self.ledger.claim(urgent=True)
        await self.ledger.mark(taken)
        await self.ledger.report(taken, LOST)
        words = template_letter(DEFAULT_NEWSLETTER.id, LetterKind.NOTICE)
        named = [each.email for each in await self.ledger.doubtful(words)]
        async with self.uow() as tx:
            await tx.accounts.save(attrs.evolve(staff, email=None))
        nameless = [each.email for each in await self.ledger.doubtful(words)]
        assert (named, nameless) == ([where], [None])

    async def test_doubts_come_in_the_order_of_keys_page_by_page(self) -> None:
        words, taken = await in_doubt(self.ledger, 5)
        keys = [each.key for each in taken]
        assert [each.key for each in await self.ledger.doubtful(words)] == keys
        assert [each.key for each in await self.ledger.doubtful(words, 2)] == keys[:2]
        assert [each.key for each in await self.ledger.doubtful(words, 2, keys[1])] == keys[2:4]
        assert await self.ledger.doubtful(words, 2, keys[4]) == []

    async def test_another_letters_rows_and_those_that_are_settled_are_not_among_them(self) -> None:
        words, _, taken = await attempting(self.ledger)
        await in_doubt(self.ledger, 1)
        await self.ledger.report(taken, NEVER)
        assert await self.ledger.doubtful(words) == []


class FailuresContract(Contract):
    """What a person sees of those that are given up."""

    async def test_a_failure_names_its_recipient_and_says_what_was_heard(self) -> None:
        words, reader, taken = await attempting(self.ledger)
        await self.ledger.report(taken, NEVER)
        assert await self.ledger.failures(words) == [FailedDelivery(taken.key, reader.email, 1, NEVER.reply)]

    async def test_whose_mailbox_is_gone_is_named_all_the_same(self) -> None:
        words, reader, taken = await attempting(self.ledger)
        await self.ledger.report(taken, DEAD)
        assert [each.email for each in await self.ledger.failures(words)] == [reader.email]

    async def test_failures_come_in_the_order_of_keys_page_by_page(self) -> None:
        words, taken = await in_doubt(self.ledger, 4)
        for each in taken:
            await self.ledger.resolve(words, RESEND, [each.key.recipient])
        again = sorted(await self.ledger.claim(), key=lambda each: each.key)
        for each in again:
            await self.ledger.report(each, NEVER)
        keys = [each.key for each in again]
        assert [each.key for each in await self.ledger.failures(words)] == keys
        assert [each.key for each in await self.ledger.failures(words, 3)] == keys[:3]
        assert [each.key for each in await self.ledger.failures(words, 3, keys[1])] == keys[2:]
        assert await self.ledger.failures(words, 3, keys[3]) == []

    async def test_another_letters_rows_and_those_in_another_state_are_not_among_them(self) -> None:
        words, _ = await in_doubt(self.ledger, 1)
        _, _, taken = await attempting(self.ledger)
        await self.ledger.report(taken, NEVER)
        assert await self.ledger.failures(words) == []

    async def test_what_is_tried_again_has_not_failed(self) -> None:
        words, _, taken = await attempting(self.ledger)
        await self.ledger.report(taken, NEVER)
        await self.ledger.revive(words)
        assert await self.ledger.failures(words) == []


class ResolvingContract(Contract):
    """What becomes of them."""

    async def test_an_accepted_row_is_sent_and_its_doubt_counts_no_more(self) -> None:
        words, (taken,) = await in_doubt(self.ledger, 1)
        assert await self.ledger.resolve(words, ACCEPT) == 1
        assert await self.ledger.sums(words) == {SENT: 1}
        assert (await self.ledger.possibly_twice(words), await self.ledger.doubtful(words)) == (0, [])
        assert not await self.ledger.report(taken, OK, at=later(1))

    async def test_a_row_that_is_sent_once_more_is_due_at_once_as_a_new_attempt(self) -> None:
        words, (taken,) = await in_doubt(self.ledger, 1)
        assert await self.ledger.resolve(words, RESEND, at=later(1)) == 1
        assert (await self.ledger.sums(words), await self.ledger.doubtful(words)) == ({PENDING: 1}, [])
        (again,) = await self.ledger.claim(at=later(1))
        assert (again.key, again.attempt) == (taken.key, 2)
        assert not await self.ledger.report(taken, OK, at=later(1))

    async def test_only_the_chosen_are_resolved(self) -> None:
        words, taken = await in_doubt(self.ledger, 4)
        accepted, resent, *others = [each.key.recipient for each in taken]
        assert await self.ledger.resolve(words, ACCEPT, [accepted, new_id()]) == 1
        assert await self.ledger.resolve(words, RESEND, [accepted, resent]) == 1
        assert await self.ledger.resolve(words, RESEND, []) == 0
        assert await self.ledger.sums(words) == {SENT: 1, PENDING: 1, UNCERTAIN: 2}
        assert [each.key.recipient for each in await self.ledger.doubtful(words)] == others

    async def test_only_doubts_of_the_letter_are_resolved(self) -> None:
        words, _, taken = await attempting(self.ledger)
        await self.ledger.report(taken, NEVER)
        other, _ = await in_doubt(self.ledger, 1)
        assert await self.ledger.resolve(words, ACCEPT) == await self.ledger.resolve(words, RESEND) == 0
        assert (await self.ledger.sums(words), await self.ledger.sums(other)) == ({FAILED: 1}, {UNCERTAIN: 1})

    async def test_possibly_twice_are_those_that_were_completed_again(self) -> None:
        words, _ = await in_doubt(self.ledger, 1)
        counted = [await self.ledger.possibly_twice(words)]
        await self.ledger.resolve(words, RESEND)
        counted.append(await self.ledger.possibly_twice(words))
        await lose(self.ledger, 0)
        counted.append(await self.ledger.possibly_twice(words))
        await self.ledger.resolve(words, ACCEPT)
        counted.append(await self.ledger.possibly_twice(words))
        assert counted == [0, 0, 1, 1]

    async def test_a_mail_that_was_resent_and_taken_may_have_come_twice(self) -> None:
        words, _, taken = await attempting(self.ledger)
        await self.ledger.report(taken, LOST)
        await self.ledger.expire(T0 + RESEND_AFTER)
        (again,) = await self.ledger.claim(at=T0 + RESEND_AFTER)
        await self.ledger.mark(again, at=T0 + RESEND_AFTER)
        await self.ledger.report(again, OK, at=T0 + RESEND_AFTER)
        assert (await self.ledger.sums(words), await self.ledger.possibly_twice(words)) == ({SENT: 1}, 1)

    async def test_one_that_was_resent_and_refused_has_not(self) -> None:
        words, _ = await in_doubt(self.ledger, 1)
        await self.ledger.resolve(words, RESEND)
        (again,) = await self.ledger.claim()
        await self.ledger.report(again, NEVER)
        assert await self.ledger.possibly_twice(words) == 0

    async def test_a_250_that_comes_late_ends_the_doubt_of_its_own_attempt_alone(self) -> None:
        words, _ = await in_doubt(self.ledger, 1)
        await self.ledger.resolve(words, RESEND)
        second = await lose(self.ledger, 0)
        assert await self.ledger.report(second, OK, at=later(1))
        assert (await self.ledger.sums(words), await self.ledger.possibly_twice(words)) == ({SENT: 1}, 1)

    async def test_a_late_250_of_the_only_attempt_leaves_no_doubt(self) -> None:
        words, (taken,) = await in_doubt(self.ledger, 1)
        assert await self.ledger.report(taken, OK, at=later(1))
        assert (await self.ledger.sums(words), await self.ledger.possibly_twice(words)) == ({SENT: 1}, 0)

    async def test_a_resent_row_that_is_put_off_goes_on_by_its_schedule(self) -> None:
        words, _ = await in_doubt(self.ledger, 1)
        await self.ledger.resolve(words, RESEND)
        (again,) = await self.ledger.claim()
        await self.ledger.mark(again)
        assert await self.ledger.report(again, LATER)
        assert await self.ledger.sums(words) == {DeliveryState.DEFERRED: 1}
