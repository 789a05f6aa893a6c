"""The ledger of deliveries in PostgreSQL.

Locks are taken in one order everywhere: leases, letters, recipients (subscriptions by e-mail address and newsletter,
then accounts, then bare e-mail addresses), deliveries; each by its key. Claims and jobs wait for no row: they pass over
what others hold. Whoever changes a letter or a recipient and then needs a row further up this list must lock it first.

The statements rely on READ COMMITTED, where each sees all that was committed before it began: once `lock` has what it
asked for, nothing that a mark depends on can change, and only the statements after it look.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeAlias
from uuid import UUID

from psycopg.rows import TupleRow

from adapters_postgres.repositories import Repository
from adapters_postgres.sql import load
from zero2prod_core.domain.deliveries import (
    RESEND_AFTER,
    TRANSITIONS,
    Claimed,
    DeliveryKey,
    DeliveryState,
    Mark,
    NewDelivery,
    RecipientKind,
    Ruling,
)
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.letters import URGENT, Letter
from zero2prod_core.ports.deliveries import DeliveryLedger, Expired, Settled

SQL = load("deliveries")

LAST_PRIORITY = 2**15 - 1
"""The column is a smallint."""

RULED_FROM = (DeliveryState.LEASED, DeliveryState.ATTEMPTING, DeliveryState.UNCERTAIN)
ARROWS = [f"{before}>{after}" for before in RULED_FROM for after in TRANSITIONS[before]]
"""What a ruling may do to a row, in the form that the statement compares."""

MOST_LOOKS = 10
"""Batches that one claim looks at where many rows may not be mailed any more: the next claim goes on, and the lease of
what was found first must not end meanwhile.
"""

Columns: TypeAlias = dict[str, list[Any]]


class PostgresDeliveryLedger(Repository, DeliveryLedger):
    """See the port. Every verb works in whatever transaction is open on the connection."""

    async def enqueue_batch(self, deliveries: Sequence[NewDelivery], at: Instant | None = None) -> int:
        if not deliveries:
            return 0
        return await self._number("enqueue", at=at, **_new_columns(deliveries))

    async def enqueue_audience(self, letter: Letter, give_up_after: timedelta, at: Instant | None = None) -> int:
        return await self._number(
            "enqueue_audience",
            letter=letter.id,
            newsletter=letter.newsletter,
            priority=letter.priority,
            give_up_after=give_up_after,
            at=at,
        )

    async def claim_batch(
        self,
        lease: UUID,
        worker: str,
        lasts: timedelta,
        limit: int,
        *,
        urgent: bool,
        at: Instant | None = None,
    ) -> Sequence[Claimed]:
        first, last = (URGENT, URGENT) if urgent else (URGENT + 1, LAST_PRIORITY)
        terms = {"lease": lease, "worker": worker, "lasts": lasts, "first": first, "last": last, "at": at}
        claimed: list[Claimed] = []
        # Rows that may not be mailed any more are settled on the way: others are looked for in their place.
        for _ in range(MOST_LOOKS):
            wanted = limit - len(claimed)
            rows = await self._rows(SQL["claim"], limit=wanted, **terms)
            claimed.extend(_claimed(lease, *row) for state, *row in rows if state == DeliveryState.LEASED)
            if len(rows) < wanted or len(claimed) == limit:
                break
        return claimed

    async def renew(self, lease: UUID, lasts: timedelta, at: Instant | None = None) -> bool:
        return await self._count(SQL["renew"], lease=lease, lasts=lasts, at=at) == 1

    async def settle_batch(
        self, rulings: Sequence[Ruling], marks: Sequence[Mark], at: Instant | None = None
    ) -> Settled:
        if rulings or marks:
            await self._lock(rulings, marks)
        applied = await self._settle(rulings, at)
        granted = await self._mark(marks, at)
        return Settled(applied, granted)

    async def release(self, lease: UUID, at: Instant | None = None) -> Expired:
        return await self._end(await self._rows(SQL["hold_lease"], lease=lease), at)

    async def expire(self, at: Instant | None = None) -> Expired:
        expired = await self._end(await self._rows(SQL["hold_ended_leases"], at=at), at)
        await self._count(SQL["resend"], at=at)
        return expired

    async def sums(self, letter: UUID) -> Mapping[DeliveryState, int]:
        return {DeliveryState(state): count for state, count in await self._rows(SQL["sums"], letter=letter)}

    async def any_sent(self, letters: Collection[UUID]) -> bool:
        ((found,),) = await self._rows(SQL["any_sent"], letters=list(letters))
        return bool(found)

    async def states(self, keys: Sequence[DeliveryKey]) -> Mapping[DeliveryKey, DeliveryState]:
        rows = await self._rows(SQL["states"], **_key_columns(keys))
        return {DeliveryKey(*key): DeliveryState(state) for *key, state in rows}

    async def unfinished(self, at: Instant | None = None) -> int:
        return await self._number("unfinished", at=at)

    async def _lock(self, rulings: Sequence[Ruling], marks: Sequence[Mark]) -> None:
        claims: list[Ruling | Mark] = [*rulings, *marks]
        await self._rows(
            SQL["lock"],
            leases=list({claim.lease for claim in claims}),
            marked_letters=list({mark.key.letter for mark in marks}),
            marked_recipients=[mark.key.recipient for mark in marks],
            **_key_columns([claim.key for claim in claims]),
        )

    async def _settle(self, rulings: Sequence[Ruling], at: Instant | None) -> tuple[bool, ...]:
        applied = [False] * len(rulings)
        for places in _waves([ruling.key for ruling in rulings]):
            columns = _ruling_columns([rulings[place] for place in places])
            for (ordinal,) in await self._rows(SQL["settle"], at=at, arrows=ARROWS, **columns):
                applied[places[ordinal - 1]] = True
        return tuple(applied)

    async def _mark(self, marks: Sequence[Mark], at: Instant | None) -> tuple[bool, ...]:
        granted = [False] * len(marks)
        for places in _waves([mark.key for mark in marks]):
            columns = _claim_columns([marks[place] for place in places])
            for ordinal, holds in await self._rows(SQL["mark"], at=at, **columns):
                granted[places[ordinal - 1]] = holds
        return tuple(granted)

    async def _end(self, locked: Sequence[TupleRow], at: Instant | None) -> Expired:
        """End leases that this transaction has locked."""
        if not locked:
            return Expired(0, 0)
        leases = [lease for (lease,) in locked]
        [(returned, uncertain)] = await self._rows(SQL["end_leases"], leases=leases, resend_after=RESEND_AFTER, at=at)
        return Expired(returned, uncertain)

    async def _number(self, name: str, **parameters: object) -> int:
        rows = await self._rows(SQL[name], **parameters)
        return int(rows[0][0])


def _waves(keys: Sequence[DeliveryKey]) -> Sequence[Sequence[int]]:
    """The places of ``keys``, in groups that name no key twice: a statement changes a row once. Mostly one group."""
    earlier: Counter[DeliveryKey] = Counter()
    waves: list[list[int]] = []
    for place, key in enumerate(keys):
        if earlier[key] == len(waves):
            waves.append([])
        waves[earlier[key]].append(place)
        earlier[key] += 1
    return waves


def _key_columns(keys: Sequence[DeliveryKey]) -> Columns:
    return {
        "letters": [key.letter for key in keys],
        "recipients": [key.recipient for key in keys],
        "occasions": [key.occasion for key in keys],
    }


def _new_columns(deliveries: Sequence[NewDelivery]) -> Columns:
    return {
        **_key_columns([delivery.key for delivery in deliveries]),
        "kinds": [delivery.kind.value for delivery in deliveries],
        "domains": [delivery.domain for delivery in deliveries],
        "digests": [delivery.digest.value for delivery in deliveries],
        "digest_keys": [delivery.digest.key_id for delivery in deliveries],
        "priorities": [delivery.priority for delivery in deliveries],
        "give_ups": [delivery.give_up_at for delivery in deliveries],
    }


def _claim_columns(claims: Sequence[Ruling] | Sequence[Mark]) -> Columns:
    return {
        **_key_columns([claim.key for claim in claims]),
        "leases": [claim.lease for claim in claims],
        "attempts": [claim.attempt for claim in claims],
    }


def _ruling_columns(rulings: Sequence[Ruling]) -> Columns:
    return {
        **_claim_columns(rulings),
        "states": [ruling.state.value for ruling in rulings],
        "counted": [ruling.attempts for ruling in rulings],
        "waits": [ruling.retry_in.total_seconds() for ruling in rulings],
        "codes": [ruling.reply.code for ruling in rulings],
        "replies": [ruling.reply.text for ruling in rulings],
    }


def _claimed(
    lease: UUID,
    letter: UUID,
    recipient: UUID,
    occasion: UUID,
    kind: str,
    attempt: int,
    email: str,
    email_key: str,
    name: str,
    key_id: str,
    enqueued_at: Instant,
) -> Claimed:
    key, mailbox = DeliveryKey(letter, recipient, occasion), EmailAddress(email, email_key)
    return Claimed(key, RecipientKind(kind), lease, attempt, mailbox, name, key_id, enqueued_at)
