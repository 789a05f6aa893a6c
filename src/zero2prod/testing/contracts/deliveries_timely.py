from typing import Any

import attrs
import pytest

from zero2prod.testing.builders import T0, delivery, later, new_id, pending_subscriber, subscriber, token
from zero2prod.testing.contract import Contract
from zero2prod.testing.contracts.beginnings import suppress
from zero2prod.testing.ledger import Ledger
from zero2prod_core.domain.deliveries import DeliveryState, NewDelivery
from zero2prod_core.domain.letters import LetterKind, template_letter
from zero2prod_core.domain.subscribers import Event, Subscriber
from zero2prod_core.domain.suppressions import Reason
from zero2prod_core.domain.tokens import Purpose, Token

LEASED, CANCELLED, SUPPRESSED = DeliveryState.LEASED, DeliveryState.CANCELLED, DeliveryState.SUPPRESSED


async def noticed(ledger: Ledger, reader: Subscriber) -> NewDelivery:
    """A subscriber to whom a notice is due."""
    row = delivery(template_letter(reader.newsletter, LetterKind.NOTICE), reader, new_id())
    await ledger.add(reader)
    await ledger.enqueue(row)
    return row


async def linked(ledger: Ledger, reader: Subscriber, link: Token) -> NewDelivery:
    """A subscriber to whom a link to the preferences is due."""
    row = delivery(template_letter(reader.newsletter, LetterKind.PREFERENCES), reader, link.id)
    await ledger.add(reader)
    async with ledger.uow() as tx:
        await tx.tokens.add_batch([link])
    await ledger.enqueue(row)
    return row


async def fate(ledger: Ledger, row: NewDelivery) -> DeliveryState | None:
    await ledger.claim(urgent=True)
    return await ledger.state(row.key)


class TimelyContract(Contract):
    """Which urgent mails are still sent when their turn comes: what they say must be true, and their link work."""

    async def test_a_notice_goes_to_the_confirmed_and_to_those_who_paused(self) -> None:
        paused = attrs.evolve(subscriber(), paused_until=later(9))
        rows = [await noticed(self.ledger, each) for each in (subscriber(), paused)]
        assert {claimed.key for claimed in await self.ledger.claim(urgent=True)} == {row.key for row in rows}

    @pytest.mark.parametrize("event", [Event.UNSUBSCRIBE, Event.BOUNCE, Event.COMPLAIN])
    async def test_a_notice_to_somebody_who_has_left_is_cancelled(self, event: Event) -> None:
        reader = subscriber()
        row = await noticed(self.ledger, reader)
        await self.ledger.save(reader.on(event))
        assert await fate(self.ledger, row) == CANCELLED

    async def test_a_link_goes_to_subscribers_of_every_status(self) -> None:
        readers = [pending_subscriber(), subscriber(), subscriber().on(Event.UNSUBSCRIBE)]
        rows = [await linked(self.ledger, each, token(each.id, Purpose.MANAGE)) for each in readers]
        assert {claimed.key for claimed in await self.ledger.claim(urgent=True)} == {row.key for row in rows}

    @pytest.mark.parametrize("reason", Reason)
    async def test_no_link_goes_to_a_suppressed_email_address(self, reason: Reason) -> None:
        reader = subscriber()
        row = await linked(self.ledger, reader, token(reader.id, Purpose.MANAGE))
        await suppress(self.ledger, reader, reason)
        assert await fate(self.ledger, row) == SUPPRESSED

    @pytest.mark.parametrize(
        "changes", [{"purpose": Purpose.CONFIRM}, {"spent_at": T0}, {"expires_at": T0}], ids=["other", "spent", "over"]
    )
    async def test_a_link_that_would_not_work_is_cancelled(self, changes: dict[str, Any]) -> None:
        reader = subscriber()
        row = await linked(self.ledger, reader, token(reader.id, **({"purpose": Purpose.MANAGE} | changes)))
        assert await fate(self.ledger, row) == CANCELLED

    async def test_a_link_that_is_gone_when_its_mail_is_about_to_leave_is_not_sent(self) -> None:
        reader = subscriber()
        row = await linked(self.ledger, reader, token(reader.id, Purpose.MANAGE))
        (claimed,) = await self.ledger.claim(urgent=True)
        async with self.ledger.uow() as tx:
            await tx.tokens.revoke(reader.id, Purpose.MANAGE)
        assert await self.ledger.mark(claimed) == [False]
        assert await self.ledger.state(row.key) == CANCELLED
