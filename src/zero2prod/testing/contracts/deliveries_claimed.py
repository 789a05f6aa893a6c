import attrs
import pytest

from zero2prod.testing.builders import T0, account, delivery, email, later, new_id, notice, subscriber, suppression
from zero2prod.testing.contract import Contract
from zero2prod.testing.contracts.beginnings import signed_up, suppress
from zero2prod.testing.ledger import Ledger
from zero2prod_core.domain.deliveries import Claimed, DeliveryState, NewDelivery, RecipientKind
from zero2prod_core.domain.letters import LetterState
from zero2prod_core.domain.subscribers import Event
from zero2prod_core.domain.suppressions import Digest, Reason
from zero2prod_core.domain.tokens import Purpose

PENDING, LEASED, FAILED = DeliveryState.PENDING, DeliveryState.LEASED, DeliveryState.FAILED
SUPPRESSED, CANCELLED = DeliveryState.SUPPRESSED, DeliveryState.CANCELLED


async def fate(ledger: Ledger, row: NewDelivery, *, urgent: bool = False) -> DeliveryState | None:
    """What becomes of a row on the way of a claim."""
    claimed = await ledger.claim(urgent=urgent)
    state = await ledger.state(row.key)
    assert (row.key in {each.key for each in claimed}) == (state is LEASED)
    return state


class ClaimingContract(Contract):
    """Which rows a claim takes, and in which order."""

    async def test_a_claimed_row_says_all_that_a_mail_needs(self) -> None:
        words = await self.ledger.letter()
        (reader,) = await self.ledger.add(
            subscriber(email("Müller@Bücher.example.com"), fields={"city": "Köln"}, tags=("music", "art"))
        )
        row, lease = delivery(words, reader), new_id()
        await self.ledger.enqueue(row, at=later(-60))
        (claimed,) = await self.ledger.claim(lease=lease)
        kind, name = RecipientKind.SUBSCRIBER, reader.name.text
        assert claimed == Claimed(
            row.key,
            kind,
            lease,
            1,
            reader.email,
            name,
            row.digest.key_id,
            later(-60),
            {"city": "Köln"},
            ("music", "art"),
        )
        assert await self.ledger.state(row.key) == LEASED

    async def test_suppressions_are_those_of_the_recipients_digest_of_today(self) -> None:
        """Keys are rotated while mails wait: the row keeps the digest that it was made with."""
        words, (reader,) = await self.ledger.letter(), await self.ledger.readers(1)
        row = delivery(words, reader, digest=Digest("an-older-key", bytes(32)))
        await self.ledger.enqueue(row)
        await suppress(self.ledger, reader, Reason.BOUNCE)
        assert await fate(self.ledger, row) is SUPPRESSED

    async def test_nobody_else_gets_a_claimed_row(self) -> None:
        words, readers = await self.ledger.letter(), await self.ledger.readers(5)
        await self.ledger.enqueue(*(delivery(words, reader) for reader in readers))
        batches = [await self.ledger.claim(2) for _ in range(4)]
        assert [len(batch) for batch in batches] == [2, 2, 1, 0]
        assert {claimed.key.recipient for batch in batches for claimed in batch} == {reader.id for reader in readers}

    async def test_a_row_is_not_claimed_before_it_is_due(self) -> None:
        words, (reader,) = await self.ledger.letter(), await self.ledger.readers(1)
        await self.ledger.enqueue(delivery(words, reader), at=later(10))
        assert [len(await self.ledger.claim(at=later(seconds))) for seconds in (0, 9.999999, 10)] == [0, 0, 1]

    async def test_most_urgent_first_then_longest_due(self) -> None:
        words, readers = await self.ledger.letter(), await self.ledger.readers(4)
        slow, late, early, quick = (delivery(words, reader) for reader in readers)
        await self.ledger.enqueue(attrs.evolve(slow, priority=20), at=later(-9))
        await self.ledger.enqueue(late, at=later(-1))
        await self.ledger.enqueue(early, at=later(-5))
        await self.ledger.enqueue(attrs.evolve(quick, priority=5), at=later(0))
        order = [claimed.key for _ in range(5) for claimed in await self.ledger.claim(1)]
        assert order == [quick.key, early.key, late.key, slow.key]

    async def test_rows_of_several_letters_are_claimed_in_one_order(self) -> None:
        first, second = await self.ledger.letter(), await self.ledger.letter()
        readers = await self.ledger.readers(3)
        rows = [delivery(second, readers[0]), delivery(first, readers[1]), delivery(second, readers[2])]
        for place, row in enumerate(rows):
            await self.ledger.enqueue(row, at=later(place - 10))
        assert [claimed.key for claimed in await self.ledger.claim(2)] == [row.key for row in rows[:2]]
        assert [claimed.key for claimed in await self.ledger.claim(2)] == [rows[2].key]

    async def test_urgent_rows_and_others_are_claimed_apart(self) -> None:
        words, (reader,) = await self.ledger.letter(), await self.ledger.readers(1)
        _, _, confirming = await signed_up(self.ledger)
        await self.ledger.enqueue(delivery(words, reader))
        urgent = await self.ledger.claim(urgent=True)
        others = await self.ledger.claim(urgent=False)
        assert [claimed.key for claimed in urgent] == [confirming.key]
        assert [claimed.key for claimed in others] == [delivery(words, reader).key]

    @pytest.mark.parametrize("state", [LetterState.PAUSED, LetterState.CLOSED])
    async def test_only_rows_of_open_letters_are_claimed(self, state: LetterState) -> None:
        words, (reader,) = await self.ledger.letter(), await self.ledger.readers(1)
        await self.ledger.enqueue(delivery(words, reader))
        await self.ledger.save_letter(attrs.evolve(words, state=state))
        assert await self.ledger.claim() == []
        assert await self.ledger.sums(words) == {PENDING: 1}
        await self.ledger.save_letter(words)
        assert len(await self.ledger.claim()) == 1

    async def test_a_claim_of_nothing_makes_no_lease(self) -> None:
        lease = new_id()
        assert await self.ledger.claim(lease=lease) == []
        assert not await self.ledger.renew(lease, at=T0)

    async def test_a_claim_of_at_most_nothing_takes_nothing(self) -> None:
        words, (reader,) = await self.ledger.letter(), await self.ledger.readers(1)
        await self.ledger.enqueue(delivery(words, reader))
        assert await self.ledger.claim(0) == []
        assert await self.ledger.sums(words) == {PENDING: 1}


class UnwantedContract(Contract):
    """What becomes of due rows that may not be mailed."""

    async def test_an_issues_row_is_tried_however_late(self) -> None:
        words, (reader,) = await self.ledger.letter(), await self.ledger.readers(1)
        row = delivery(words, reader, give_up_at=T0)
        await self.ledger.enqueue(row)
        (taken,) = await self.ledger.claim(at=later(6 * 86_400))
        assert (taken.key, taken.attempt) == (row.key, 1)

    async def test_another_row_whose_give_up_time_has_come_fails(self) -> None:
        words, (first, second) = await self.ledger.letter(), await self.ledger.readers(2)
        over = delivery(words, first, new_id(), give_up_at=T0)
        just = delivery(words, second, new_id(), give_up_at=later(0.000001))
        await self.ledger.enqueue(over, just, at=later(-1))
        assert [claimed.key for claimed in await self.ledger.claim()] == [just.key]
        assert await self.ledger.states([over.key, just.key]) == {over.key: FAILED, just.key: LEASED}

    async def test_a_row_that_is_not_due_is_not_judged(self) -> None:
        words, (reader,) = await self.ledger.letter(), await self.ledger.readers(1)
        row = delivery(words, reader, give_up_at=later(-5))
        await self.ledger.enqueue(row, at=later(1))
        assert await fate(self.ledger, row) == PENDING

    @pytest.mark.parametrize("reason", Reason)
    async def test_an_issue_to_a_suppressed_email_address_is_suppressed(self, reason: Reason) -> None:
        words, (reader,) = await self.ledger.letter(), await self.ledger.readers(1)
        await self.ledger.enqueue(delivery(words, reader))
        await suppress(self.ledger, reader, reason)
        assert await fate(self.ledger, delivery(words, reader)) == SUPPRESSED

    async def test_a_recipient_who_is_gone_is_suppressed(self) -> None:
        row = delivery(await self.ledger.letter(), subscriber())
        await self.ledger.enqueue(row)
        assert await fate(self.ledger, row) == SUPPRESSED

    @pytest.mark.parametrize("event", [Event.UNSUBSCRIBE, Event.BOUNCE, Event.COMPLAIN])
    async def test_an_issue_to_somebody_not_confirmed_is_suppressed(self, event: Event) -> None:
        words, (reader,) = await self.ledger.letter(), await self.ledger.readers(1)
        await self.ledger.enqueue(delivery(words, reader))
        await self.ledger.save(reader.on(event))
        assert await fate(self.ledger, delivery(words, reader)) == SUPPRESSED

    async def test_an_issue_to_somebody_who_paused_is_suppressed(self) -> None:
        words, (first, second) = await self.ledger.letter(), await self.ledger.readers(2)
        lasting, over = delivery(words, first), delivery(words, second)
        await self.ledger.enqueue(lasting, over)
        await self.ledger.save(attrs.evolve(first, paused_until=later(1)), attrs.evolve(second, paused_until=T0))
        assert await fate(self.ledger, lasting) == SUPPRESSED
        assert await self.ledger.state(over.key) == LEASED

    async def test_a_confirmation_goes_to_somebody_pending(self) -> None:
        reader, _, row = await signed_up(self.ledger)
        (claimed,) = await self.ledger.claim(urgent=True)
        assert (claimed.key, claimed.email) == (row.key, reader.email)

    @pytest.mark.parametrize("reason", Reason)
    async def test_a_persons_own_sign_up_is_answered_after_a_bounce_or_erasure(self, reason: Reason) -> None:
        reader, _, row = await signed_up(self.ledger)
        await suppress(self.ledger, reader, reason)
        expected = LEASED if reason in (Reason.BOUNCE, Reason.ERASURE) else SUPPRESSED
        assert await fate(self.ledger, row, urgent=True) == expected

    @pytest.mark.parametrize("event", [Event.CONFIRM, Event.UNSUBSCRIBE, Event.BOUNCE])
    async def test_a_confirmation_to_somebody_no_longer_pending_is_cancelled(self, event: Event) -> None:
        reader, _, row = await signed_up(self.ledger)
        await self.ledger.save(reader.on(event))
        assert await fate(self.ledger, row, urgent=True) == CANCELLED

    async def test_a_confirmation_whose_token_is_gone_is_cancelled(self) -> None:
        _, link, row = await signed_up(self.ledger)
        async with self.ledger.uow() as tx:
            await tx.tokens.revoke(link.subject, Purpose.CONFIRM)
        assert await fate(self.ledger, row, urgent=True) == CANCELLED

    async def test_a_confirmation_with_another_kind_of_token_is_cancelled(self) -> None:
        _, _, row = await signed_up(self.ledger, Purpose.SET_UP)
        assert await fate(self.ledger, row, urgent=True) == CANCELLED

    @pytest.mark.parametrize("reason", [None, *Reason])
    async def test_staff_get_their_mail_unless_it_bounced(self, reason: Reason | None) -> None:
        where = email()
        staff = account(email=where, digest=suppression(where).digest)
        row = notice(staff, where)
        async with self.ledger.uow() as tx:
            await tx.accounts.add(staff)
            await tx.suppressions.add_batch([suppression(row.digest, reason)] if reason else [])
        await self.ledger.enqueue(row)
        claimed = await self.ledger.claim(urgent=True)
        assert await self.ledger.state(row.key) == (SUPPRESSED if reason is Reason.BOUNCE else LEASED)
        assert [(each.kind, each.email, each.name) for each in claimed] == (
            [] if reason is Reason.BOUNCE else [(RecipientKind.ACCOUNT, where, staff.username.text)]
        )

    @pytest.mark.parametrize("kind", [RecipientKind.ACCOUNT, RecipientKind.EMAIL_ADDRESS])
    async def test_nobody_is_found_under_another_kind(self, kind: RecipientKind) -> None:
        words, (reader,) = await self.ledger.letter(), await self.ledger.readers(1)
        row = delivery(words, reader, kind=kind)
        await self.ledger.enqueue(row)
        assert await fate(self.ledger, row) == SUPPRESSED

    async def test_staff_without_an_email_address_are_gone(self) -> None:
        staff = account()
        async with self.ledger.uow() as tx:
            await tx.accounts.add(staff)
        row = notice(staff, email())
        await self.ledger.enqueue(row)
        assert await fate(self.ledger, row, urgent=True) == SUPPRESSED

    async def test_a_claim_looks_on_until_it_has_its_fill(self) -> None:
        words, readers = await self.ledger.letter(), await self.ledger.readers(6)
        await self.ledger.enqueue(*(delivery(words, reader) for reader in readers))
        await self.ledger.save(*(reader.on(Event.UNSUBSCRIBE) for reader in readers[:4]))
        assert len(await self.ledger.claim(2)) == 2
        assert await self.ledger.sums(words) == {SUPPRESSED: 4, LEASED: 2}
