"""How tests of the ledger begin, and the outcomes that they report."""

from zero2prod.testing.builders import T0, confirmation, delivery, opened_round, pending_subscriber, suppression, token
from zero2prod.testing.ledger import LASTS, Ledger
from zero2prod_core.domain.deliveries import (
    Claimed,
    Deferred,
    NewDelivery,
    Rejected,
    Reply,
    Scope,
    SenderFault,
    Sent,
    Throttled,
    Uncertain,
)
from zero2prod_core.domain.letters import Letter
from zero2prod_core.domain.subscribers import Subscriber
from zero2prod_core.domain.suppressions import Reason
from zero2prod_core.domain.tokens import Purpose, Token

OK = Sent(Reply(250, "2.0.0 queued as 42"))
LATER = Deferred(Reply(450, "4.2.1 later"))
NEVER = Rejected(Reply(550, "5.7.1 never"))
BLAMED = Rejected(Reply(554, "5.7.1 not wanted"), blames_letter=True)
DEAD = Rejected(Reply(550, "5.1.1 unknown"), suppress=True)
BUSY = Throttled(Reply(421, "4.7.0 busy"), Scope.RELAY)
GREY = Throttled(Reply(450, "4.7.1 slow down"), Scope.DOMAIN)
FAULT = SenderFault(Reply(550, "5.1.8 bad sender"))
LOST = Uncertain(Reply(None, "connection lost"))

AT_LEASE_END = LASTS.total_seconds()
"""Seconds from T0 at which a lease that was taken then no longer holds."""

JUST = 0.000001
"""Seconds: the shortest time that a store keeps."""


async def suppress(ledger: Ledger, reader: Subscriber, reason: Reason) -> None:
    async with ledger.uow() as tx:
        await tx.suppressions.add_batch([suppression(reader.digest, reason)])


async def signed_up(ledger: Ledger, purpose: Purpose = Purpose.CONFIRM) -> tuple[Subscriber, Token, NewDelivery]:
    """A new subscriber whose confirmation mail is due."""
    reader = pending_subscriber()
    opened = opened_round(reader)
    link = token(opened.id, purpose)
    row = confirmation(reader, link)
    async with ledger.uow() as tx:
        await tx.subscribers.claim_batch([reader])
        await tx.subscribers.add_rounds([opened])
        await tx.tokens.add_batch([link])
        await tx.deliveries.enqueue_batch([row], T0)
    return reader, link, row


async def claimed(ledger: Ledger, **changes: object) -> tuple[Letter, Subscriber, Claimed]:
    """A reader whose delivery of a new letter is under a lease from T0."""
    words, (reader,) = await ledger.letter(**changes), await ledger.readers(1)
    await ledger.enqueue(delivery(words, reader))
    (taken,) = await ledger.claim()
    return words, reader, taken


async def attempting(ledger: Ledger, **changes: object) -> tuple[Letter, Subscriber, Claimed]:
    """The same, with its mark granted."""
    words, reader, taken = await claimed(ledger, **changes)
    assert await ledger.mark(taken) == [True]
    return words, reader, taken
