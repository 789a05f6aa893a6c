"""Enqueuing, claiming, counting, waking. What becomes of claimed rows has a file of its own."""

import asyncio
from datetime import timedelta
from uuid import UUID

import attrs
import pytest

from tests.contract.backends import Backend
from tests.support.builders import (
    T0,
    account,
    confirmation,
    delivery,
    email,
    later,
    letter,
    new_id,
    newsletter,
    notice,
    opened_round,
    pending_subscriber,
    subscriber,
    suppression,
    token,
)
from tests.support.faults import rolled_back
from tests.support.ledger import Ledger
from zero2prod_core.domain.deliveries import (
    Claimed,
    Deferred,
    DeliveryKey,
    DeliveryState,
    NewDelivery,
    RecipientKind,
    Reply,
)
from zero2prod_core.domain.letters import LetterState
from zero2prod_core.domain.subscribers import Event, Status, Subscriber
from zero2prod_core.domain.suppressions import Reason
from zero2prod_core.domain.tokens import Purpose, Token
from zero2prod_core.ports.store import UnitOfWork

PENDING, LEASED, FAILED = DeliveryState.PENDING, DeliveryState.LEASED, DeliveryState.FAILED
SUPPRESSED, CANCELLED = DeliveryState.SUPPRESSED, DeliveryState.CANCELLED
NOT_NOW = Deferred(Reply(450, "4.2.1 not now"))


@pytest.fixture
def ledger(uow: UnitOfWork) -> Ledger:
    return Ledger(uow)


async def suppress(ledger: Ledger, reader: Subscriber, reason: Reason) -> None:
    async with ledger.uow() as tx:
        await tx.suppressions.add_batch([suppression(reader.digest, reason)])


async def signed_up(ledger: Ledger, purpose: Purpose = Purpose.CONFIRM) -> tuple[Subscriber, Token, NewDelivery]:
    """A new subscriber whose confirmation mail is due."""
    reader = pending_subscriber()
    opened = opened_round(reader)
    link = token(opened.id, purpose)
    async with ledger.uow() as tx:
        await tx.subscribers.claim_batch([reader])
        await tx.subscribers.add_rounds([opened])
        await tx.tokens.add_batch([link])
        await tx.deliveries.enqueue_batch([confirmation(reader, link)], T0)
    return reader, link, confirmation(reader, link)


class TestEnqueuing:
    async def test_rows_are_pending_and_due_at_once(self, ledger: Ledger) -> None:
        words, (reader,) = await ledger.letter(), await ledger.readers(1)
        row = delivery(words, reader)
        assert await ledger.enqueue(row) == 1
        assert await ledger.state(row.key) == PENDING
        assert [claimed.key for claimed in await ledger.claim(at=T0)] == [row.key]

    async def test_a_row_whose_key_exists_is_left_as_it_is(self, ledger: Ledger) -> None:
        words, (first, second) = await ledger.letter(), await ledger.readers(2)
        rows = [delivery(words, first), delivery(words, second)]
        assert await ledger.enqueue(rows[0]) == 1
        await ledger.claim()
        assert await ledger.enqueue(*rows, at=later(5)) == 1
        assert await ledger.enqueue(*rows) == 0
        assert await ledger.enqueue() == 0
        assert await ledger.states([row.key for row in rows]) == {rows[0].key: LEASED, rows[1].key: PENDING}

    async def test_occasions_tell_rows_apart(self, ledger: Ledger) -> None:
        words, (reader,) = await ledger.letter(), await ledger.readers(1)
        assert await ledger.enqueue(*(delivery(words, reader, new_id()) for _ in range(3))) == 3
        assert await ledger.sums(words) == {PENDING: 3}

    async def test_they_fall_with_their_transaction(self, ledger: Ledger) -> None:
        words, (reader,) = await ledger.letter(), await ledger.readers(1)
        await rolled_back(ledger.uow, lambda tx: tx.deliveries.enqueue_batch([delivery(words, reader)]))
        assert await ledger.sums(words) == {}
        assert await ledger.claim() == []

    async def test_a_row_can_be_claimed_in_the_transaction_that_added_it(self, ledger: Ledger) -> None:
        words, (reader,) = await ledger.letter(), await ledger.readers(1)
        row, lasts = delivery(words, reader), timedelta(seconds=30)
        async with ledger.uow() as tx:
            await tx.deliveries.enqueue_batch([row], T0)
            assert await tx.deliveries.sums(words.id) == {PENDING: 1}
            assert await tx.deliveries.unfinished(T0) == 1
            (claimed,) = await tx.deliveries.claim_batch(new_id(), "worker", lasts, 5, urgent=False, at=T0)
            assert claimed.key == row.key
            assert await tx.deliveries.sums(words.id) == {LEASED: 1}
            assert await tx.deliveries.unfinished(T0) == 1


class TestEnqueuingAnAudience:
    async def enqueue(self, ledger: Ledger, **changes: object) -> tuple[int, set[UUID]]:
        """Publish to everyone in the store; returns how many there are, and who could be mailed then."""
        words = await ledger.letter(**changes)
        count = await ledger.enqueue_audience(words)
        return count, {claimed.key.recipient for claimed in await ledger.claim()}

    async def test_every_confirmed_subscriber_is_in_it(self, ledger: Ledger) -> None:
        readers = await ledger.readers(3)
        await ledger.add(*(subscriber(status=status) for status in Status if status is not Status.CONFIRMED))
        assert await self.enqueue(ledger) == (3, {reader.id for reader in readers})

    async def test_nobody_of_another_newsletter_is(self, ledger: Ledger) -> None:
        other = newsletter()
        async with ledger.uow() as tx:
            await tx.newsletters.add(other)
        (here,) = await ledger.readers(1)
        (there,) = await ledger.add(subscriber(here.email, newsletter=other.id))
        assert await self.enqueue(ledger) == (1, {here.id})
        assert await self.enqueue(ledger, newsletter=other.id) == (1, {there.id})

    async def test_nobody_who_paused_is(self, ledger: Ledger) -> None:
        over, lasting = subscriber(paused_until=T0), subscriber(paused_until=later(0.000001))
        await ledger.add(over, lasting)
        assert await self.enqueue(ledger) == (1, {over.id})

    @pytest.mark.parametrize("reason", Reason)
    async def test_nobody_who_is_suppressed_is(self, ledger: Ledger, reason: Reason) -> None:
        mailed, spared = await ledger.readers(2)
        await suppress(ledger, spared, reason)
        assert await self.enqueue(ledger) == (1, {mailed.id})

    async def test_doing_it_again_adds_only_who_is_new(self, ledger: Ledger) -> None:
        words, _ = await ledger.letter(), await ledger.readers(2)
        counts = []
        for _ in range(2):
            counts.append(await ledger.enqueue_audience(words))
            await ledger.readers(1)
        assert counts == [2, 1]
        assert await ledger.sums(words) == {PENDING: 3}

    async def test_its_rows_are_like_any_others(self, ledger: Ledger) -> None:
        words, (reader,) = await ledger.letter(), await ledger.readers(1)
        assert await ledger.enqueue_audience(words, timedelta(hours=1)) == 1
        assert await ledger.enqueue(delivery(words, reader)) == 0
        assert await ledger.claim(at=later(3600)) == []
        assert await ledger.sums(words) == {FAILED: 1}


class TestClaiming:
    async def test_a_claimed_row_says_all_that_a_mail_needs(self, ledger: Ledger) -> None:
        words = await ledger.letter()
        (reader,) = await ledger.add(subscriber(email("Müller@Bücher.example.com")))
        row, lease = delivery(words, reader), new_id()
        await ledger.enqueue(row, at=later(-60))
        (claimed,) = await ledger.claim(lease=lease)
        kind, name = RecipientKind.SUBSCRIBER, reader.name.text
        assert claimed == Claimed(row.key, kind, lease, 1, reader.email, name, row.digest.key_id, later(-60))
        assert await ledger.state(row.key) == LEASED

    async def test_nobody_else_gets_a_claimed_row(self, ledger: Ledger) -> None:
        words, readers = await ledger.letter(), await ledger.readers(5)
        await ledger.enqueue(*(delivery(words, reader) for reader in readers))
        batches = [await ledger.claim(2) for _ in range(4)]
        assert [len(batch) for batch in batches] == [2, 2, 1, 0]
        assert {claimed.key.recipient for batch in batches for claimed in batch} == {reader.id for reader in readers}

    async def test_a_row_is_not_claimed_before_it_is_due(self, ledger: Ledger) -> None:
        words, (reader,) = await ledger.letter(), await ledger.readers(1)
        await ledger.enqueue(delivery(words, reader), at=later(10))
        assert [len(await ledger.claim(at=later(seconds))) for seconds in (0, 9.999999, 10)] == [0, 0, 1]

    async def test_most_urgent_first_then_longest_due(self, ledger: Ledger) -> None:
        words, readers = await ledger.letter(), await ledger.readers(4)
        slow, late, early, quick = (delivery(words, reader) for reader in readers)
        await ledger.enqueue(attrs.evolve(slow, priority=20), at=later(-9))
        await ledger.enqueue(late, at=later(-1))
        await ledger.enqueue(early, at=later(-5))
        await ledger.enqueue(attrs.evolve(quick, priority=5), at=later(0))
        order = [claimed.key for _ in range(5) for claimed in await ledger.claim(1)]
        assert order == [quick.key, early.key, late.key, slow.key]

    async def test_it_is_so_over_several_letters_and_within_a_batch(self, ledger: Ledger) -> None:
        first, second = await ledger.letter(), await ledger.letter()
        readers = await ledger.readers(3)
        rows = [delivery(second, readers[0]), delivery(first, readers[1]), delivery(second, readers[2])]
        for place, row in enumerate(rows):
            await ledger.enqueue(row, at=later(place - 10))
        assert [claimed.key for claimed in await ledger.claim(2)] == [row.key for row in rows[:2]]
        assert [claimed.key for claimed in await ledger.claim(2)] == [rows[2].key]

    async def test_urgent_rows_and_others_are_claimed_apart(self, ledger: Ledger) -> None:
        words, (reader,) = await ledger.letter(), await ledger.readers(1)
        _, _, confirming = await signed_up(ledger)
        await ledger.enqueue(delivery(words, reader))
        urgent = await ledger.claim(urgent=True)
        others = await ledger.claim(urgent=False)
        assert [claimed.key for claimed in urgent] == [confirming.key]
        assert [claimed.key for claimed in others] == [delivery(words, reader).key]

    @pytest.mark.parametrize("state", [LetterState.PAUSED, LetterState.CLOSED])
    async def test_only_rows_of_open_letters_are_claimed(self, ledger: Ledger, state: LetterState) -> None:
        words, (reader,) = await ledger.letter(), await ledger.readers(1)
        await ledger.enqueue(delivery(words, reader))
        await ledger.save_letter(attrs.evolve(words, state=state))
        assert await ledger.claim() == []
        assert await ledger.sums(words) == {PENDING: 1}
        await ledger.save_letter(words)
        assert len(await ledger.claim()) == 1

    async def test_nothing_to_take_makes_no_lease(self, ledger: Ledger) -> None:
        lease = new_id()
        assert await ledger.claim(lease=lease) == []
        assert not await ledger.renew(lease, at=T0)

    async def test_a_limit_of_nothing_takes_nothing(self, ledger: Ledger) -> None:
        words, (reader,) = await ledger.letter(), await ledger.readers(1)
        await ledger.enqueue(delivery(words, reader))
        assert await ledger.claim(0) == []
        assert await ledger.sums(words) == {PENDING: 1}


class TestClaimingWhatNobodyWants:
    async def outcome(self, ledger: Ledger, row: NewDelivery, *, urgent: bool = False) -> DeliveryState | None:
        """What becomes of a row on the way of a claim."""
        claimed = await ledger.claim(urgent=urgent)
        state = await ledger.state(row.key)
        assert (row.key in {each.key for each in claimed}) == (state is LEASED)
        return state

    async def test_a_row_whose_give_up_time_has_come_fails(self, ledger: Ledger) -> None:
        words, (first, second) = await ledger.letter(), await ledger.readers(2)
        over, just = delivery(words, first, give_up_at=T0), delivery(words, second, give_up_at=later(0.000001))
        await ledger.enqueue(over, just, at=later(-1))
        assert [claimed.key for claimed in await ledger.claim()] == [just.key]
        assert await ledger.states([over.key, just.key]) == {over.key: FAILED, just.key: LEASED}

    async def test_what_is_not_due_is_not_judged(self, ledger: Ledger) -> None:
        words, (reader,) = await ledger.letter(), await ledger.readers(1)
        row = delivery(words, reader, give_up_at=later(-5))
        await ledger.enqueue(row, at=later(1))
        assert await self.outcome(ledger, row) == PENDING

    @pytest.mark.parametrize("reason", Reason)
    async def test_an_issue_to_a_suppressed_email_address_is_suppressed(self, ledger: Ledger, reason: Reason) -> None:
        words, (reader,) = await ledger.letter(), await ledger.readers(1)
        await ledger.enqueue(delivery(words, reader))
        await suppress(ledger, reader, reason)
        assert await self.outcome(ledger, delivery(words, reader)) == SUPPRESSED

    async def test_a_recipient_who_is_gone_is_suppressed(self, ledger: Ledger) -> None:
        row = delivery(await ledger.letter(), subscriber())
        await ledger.enqueue(row)
        assert await self.outcome(ledger, row) == SUPPRESSED

    @pytest.mark.parametrize("event", [Event.UNSUBSCRIBE, Event.BOUNCE, Event.COMPLAIN])
    async def test_an_issue_to_somebody_not_confirmed_is_suppressed(self, ledger: Ledger, event: Event) -> None:
        words, (reader,) = await ledger.letter(), await ledger.readers(1)
        await ledger.enqueue(delivery(words, reader))
        await ledger.save(reader.on(event))
        assert await self.outcome(ledger, delivery(words, reader)) == SUPPRESSED

    async def test_an_issue_to_somebody_who_paused_is_suppressed(self, ledger: Ledger) -> None:
        words, (first, second) = await ledger.letter(), await ledger.readers(2)
        lasting, over = delivery(words, first), delivery(words, second)
        await ledger.enqueue(lasting, over)
        await ledger.save(attrs.evolve(first, paused_until=later(1)), attrs.evolve(second, paused_until=T0))
        assert await self.outcome(ledger, lasting) == SUPPRESSED
        assert await ledger.state(over.key) == LEASED

    async def test_a_confirmation_goes_to_somebody_pending(self, ledger: Ledger) -> None:
        reader, _, row = await signed_up(ledger)
        (claimed,) = await ledger.claim(urgent=True)
        assert (claimed.key, claimed.email) == (row.key, reader.email)

    @pytest.mark.parametrize("reason", Reason)
    async def test_a_persons_own_sign_up_is_answered_after_a_bounce_or_erasure(
        self, ledger: Ledger, reason: Reason
    ) -> None:
        reader, _, row = await signed_up(ledger)
        await suppress(ledger, reader, reason)
        expected = LEASED if reason in (Reason.BOUNCE, Reason.ERASURE) else SUPPRESSED
        assert await self.outcome(ledger, row, urgent=True) == expected

    @pytest.mark.parametrize("event", [Event.CONFIRM, Event.UNSUBSCRIBE, Event.BOUNCE])
    async def test_a_confirmation_to_somebody_no_longer_pending_is_cancelled(
        self, ledger: Ledger, event: Event
    ) -> None:
        reader, _, row = await signed_up(ledger)
        await ledger.save(reader.on(event))
        assert await self.outcome(ledger, row, urgent=True) == CANCELLED

    async def test_a_confirmation_whose_token_is_gone_is_cancelled(self, ledger: Ledger) -> None:
        _, link, row = await signed_up(ledger)
        async with ledger.uow() as tx:
            await tx.tokens.revoke(link.subject, Purpose.CONFIRM)
        assert await self.outcome(ledger, row, urgent=True) == CANCELLED

    async def test_a_confirmation_with_another_kind_of_token_is_cancelled(self, ledger: Ledger) -> None:
        _, _, row = await signed_up(ledger, Purpose.SET_UP)
        assert await self.outcome(ledger, row, urgent=True) == CANCELLED

    @pytest.mark.parametrize("reason", [None, *Reason])
    async def test_staff_get_their_mail_unless_it_bounced(self, ledger: Ledger, reason: Reason | None) -> None:
        where = email()
        staff = account(email=where)
        row = notice(staff, where)
        async with ledger.uow() as tx:
            await tx.accounts.add(staff)
            await tx.suppressions.add_batch([suppression(row.digest, reason)] if reason else [])
        await ledger.enqueue(row)
        claimed = await ledger.claim(urgent=True)
        assert await ledger.state(row.key) == (SUPPRESSED if reason is Reason.BOUNCE else LEASED)
        assert [(each.kind, each.email, each.name) for each in claimed] == (
            [] if reason is Reason.BOUNCE else [(RecipientKind.ACCOUNT, where, staff.username.text)]
        )

    @pytest.mark.parametrize("kind", [RecipientKind.ACCOUNT, RecipientKind.EMAIL_ADDRESS])
    async def test_nobody_is_found_under_another_kind(self, ledger: Ledger, kind: RecipientKind) -> None:
        words, (reader,) = await ledger.letter(), await ledger.readers(1)
        row = delivery(words, reader, kind=kind)
        await ledger.enqueue(row)
        assert await self.outcome(ledger, row) == SUPPRESSED

    async def test_staff_without_an_email_address_are_gone(self, ledger: Ledger) -> None:
        staff = account()
        async with ledger.uow() as tx:
            await tx.accounts.add(staff)
        row = notice(staff, email())
        await ledger.enqueue(row)
        assert await self.outcome(ledger, row, urgent=True) == SUPPRESSED

    async def test_a_claim_looks_on_until_it_has_its_fill(self, ledger: Ledger) -> None:
        words, readers = await ledger.letter(), await ledger.readers(6)
        await ledger.enqueue(*(delivery(words, reader) for reader in readers))
        await ledger.save(*(reader.on(Event.UNSUBSCRIBE) for reader in readers[:4]))
        assert len(await ledger.claim(2)) == 2
        assert await ledger.sums(words) == {SUPPRESSED: 4, LEASED: 2}


class TestCounting:
    async def test_states_of_unknown_keys_are_missing(self, ledger: Ledger) -> None:
        words, (reader,) = await ledger.letter(), await ledger.readers(1)
        row = delivery(words, reader)
        await ledger.enqueue(row)
        unknown = DeliveryKey(words.id, new_id())
        assert await ledger.states([unknown, row.key]) == {row.key: PENDING}
        assert await ledger.states([]) == {}

    async def test_sums_are_of_one_letter(self, ledger: Ledger) -> None:
        first, second = await ledger.letter(), await ledger.letter()
        readers = await ledger.readers(3)
        await ledger.enqueue(*(delivery(first, reader) for reader in readers), delivery(second, readers[0]))
        assert await ledger.sums(first) == {PENDING: 3}
        assert await ledger.sums(second) == {PENDING: 1}
        assert await ledger.sums(letter()) == {}

    async def test_unfinished_are_the_due_and_the_held_of_open_letters(self, ledger: Ledger) -> None:
        words, paused = await ledger.letter(), await ledger.letter(state=LetterState.PAUSED)
        readers = await ledger.readers(4)
        await ledger.enqueue(*(delivery(words, reader) for reader in readers[:3]), delivery(paused, readers[0]))
        await ledger.enqueue(delivery(words, readers[3]), at=later(60))
        seen = [await ledger.unfinished(T0), await ledger.unfinished(later(60))]
        first, second = await ledger.claim(2)
        seen.append(await ledger.unfinished(T0))
        assert await ledger.mark(first, second) == [True, True]
        seen.append(await ledger.unfinished(T0))
        assert await ledger.report(first, NOT_NOW)
        seen += [await ledger.unfinished(at) for at in (T0, later(299), later(300))]
        assert seen == [3, 4, 3, 3, 2, 3, 4]


class TestWaking:
    async def test_waiting_ends_when_deliveries_are_enqueued(self, backend: Backend) -> None:
        ledger = Ledger(backend.uow)
        words = await ledger.letter()

        async def enqueue() -> None:
            (reader,) = await ledger.readers(1)
            await ledger.enqueue(delivery(words, reader))

        waiting = asyncio.create_task(backend.signal.wait(600))
        async with asyncio.timeout(30):
            # More than once, because at first nobody may be listening yet.
            while not waiting.done():
                await enqueue()
                await asyncio.wait({waiting}, timeout=0.1)
        await backend.signal.wait(0.2)
        await enqueue()
        async with asyncio.timeout(30):
            await backend.signal.wait(600)
        assert await ledger.unfinished(T0) >= 2

    async def test_waiting_ends_when_its_time_is_over(self, backend: Backend) -> None:
        async with asyncio.timeout(30) as limit:
            for _ in range(3):
                await backend.signal.wait(0.01)
        assert not limit.expired()
