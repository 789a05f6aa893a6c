"""The ledger of deliveries in PostgreSQL.

Locks are taken in one order everywhere: issues, letters and recipients that are to change (subscriptions by e-mail
address and newsletter, then accounts, then bare e-mail addresses); leases, which settlements share; letters and
recipients that only must not change; deliveries; breakers; limits. Each kind goes by its key, relays before domains.
Claims and jobs wait for no row of the ledger: they pass over what others hold.

The statements rely on READ COMMITTED, where each sees all that was committed before it began: once `lock` has what it
asked for, nothing that a mark depends on can change, and only the statements after it look.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Any, TypeAlias
from uuid import UUID

from psycopg.rows import TupleRow

from adapters_postgres.arrays import UuidArray
from adapters_postgres.repositories import Repository
from adapters_postgres.sql import load
from zero2prod_core.domain.deliveries import (
    NO_OCCASION,
    RESEND_AFTER,
    TRANSITIONS,
    Claimed,
    DeliveryKey,
    DeliveryState,
    FailedDelivery,
    InDoubt,
    Mark,
    NewDelivery,
    Postponed,
    RecipientKind,
    Reply,
    Resolution,
    Ruling,
)
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.letters import URGENT, Letter, LetterKind
from zero2prod_core.domain.people import Mailing
from zero2prod_core.domain.refusals import Recent
from zero2prod_core.ports.deliveries import Backlog, DeliveryLedger, Expired, Settled

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

NO_FIELDS: Mapping[str, str] = MappingProxyType({})

Columns: TypeAlias = dict[str, list[Any] | UuidArray]


class PostgresDeliveryLedger(Repository, DeliveryLedger):
    """See the port. Every verb works in whatever transaction is open on the connection."""

    async def enqueue_batch(self, deliveries: Sequence[NewDelivery], at: Instant | None = None) -> int:
        if not deliveries:
            return 0
        return await self._number("enqueue", at=at, **_new_columns(deliveries))

    async def enqueue_audience(self, letter: Letter, give_up_after: timedelta, at: Instant | None = None) -> int:
        terms = {
            "letter": letter.id,
            "newsletter": letter.newsletter,
            "occasion": NO_OCCASION,
            "priority": letter.priority,
            "give_up_after": give_up_after,
            "at": at,
        }
        _, [(added, _)] = await self._together(
            (SQL["hold_letter"], {"letter": letter.id}), (SQL["enqueue_audience"], terms)
        )
        return int(added)

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
        terms["no_occasion"] = NO_OCCASION
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
        claims: list[Ruling | Mark] = [*rulings, *marks]
        if not claims:
            return Settled((), ())
        settling = _waves([ruling.key for ruling in rulings])
        marking = _waves([mark.key for mark in marks])
        _, *answers = await self._together(
            (SQL["lock"], _locks({claim.lease for claim in claims}, [claim.key for claim in claims], marks)),
            *[(SQL["settle"], {"at": at, **_ruling_columns([rulings[place] for place in wave])}) for wave in settling],
            *[(SQL["mark"], {"at": at, **_claim_columns([marks[place] for place in wave])}) for wave in marking],
        )
        applied, granted = [False] * len(rulings), [False] * len(marks)
        for wave, rows in zip(settling, answers, strict=False):
            for (ordinal,) in rows:
                applied[wave[ordinal - 1]] = True
        for wave, rows in zip(marking, answers[len(settling) :], strict=True):
            for ordinal, holds in rows:
                granted[wave[ordinal - 1]] = holds
        return Settled(tuple(applied), tuple(granted))

    async def postpone_batch(self, lease: UUID, postponed: Sequence[Postponed]) -> int:
        keys = [each.key for each in postponed]
        untils = [each.until for each in postponed]
        _, rows = await self._together(
            (SQL["lock"], _locks([lease], keys)),
            (SQL["postpone"], {"lease": lease, "untils": untils, **_key_columns(keys)}),
        )
        return len(rows)

    async def release(self, lease: UUID, at: Instant | None = None) -> Expired:
        return await self._end(await self._rows(SQL["hold_lease"], lease=lease), at)

    async def expire(self, at: Instant | None = None) -> Expired:
        expired = await self._end(await self._rows(SQL["hold_ended_leases"], at=at), at)
        await self._count(SQL["resend"], at=at)
        return expired

    async def cancel_batch(self, limit: int, at: Instant | None = None) -> int:
        return await self._count(SQL["cancel"], limit=limit, at=at)

    async def revive(self, letter: UUID, give_up_after: timedelta, at: Instant | None = None) -> int:
        return await self._number("revive", letter=letter, give_up_after=give_up_after, at=at)

    async def doubtful(self, letter: UUID, limit: int, after: DeliveryKey | None = None) -> Sequence[InDoubt]:
        return [_in_doubt(*row) for row in await self._rows(SQL["doubtful"], **_page(letter, limit, after))]

    async def failures(self, letter: UUID, limit: int, after: DeliveryKey | None = None) -> Sequence[FailedDelivery]:
        return [_failed(*row) for row in await self._rows(SQL["failures"], **_page(letter, limit, after))]

    async def resolve(
        self, letter: UUID, resolution: Resolution, recipients: Collection[UUID] | None, at: Instant | None = None
    ) -> int:
        chosen = None if recipients is None else list(recipients)
        accept = resolution is Resolution.ACCEPT
        return await self._number("resolve", letter=letter, accept=accept, recipients=chosen, at=at)

    async def recent(self, letter: UUID, limit: int) -> Sequence[Recent]:
        return [Recent(*row) for row in await self._rows(SQL["recent"], letter=letter, limit=limit)]

    async def forgive(self, letter: UUID) -> int:
        return await self._count(SQL["forgive"], letter=letter)

    async def compact(self, before: Instant, limit: int) -> int:
        return await self._number("compact", before=before, limit=limit)

    async def of_recipients(self, recipients: Collection[UUID]) -> Sequence[Mailing]:
        return [_mailing(*row) for row in await self._rows(SQL["of_recipients"], recipients=list(recipients))]

    async def forget(self, recipients: Collection[UUID], at: Instant | None = None) -> None:
        rows = await self._rows(SQL["lock_recipients"], recipients=list(recipients))
        await self._count(SQL["forget"], at=at, **_key_columns([DeliveryKey(*row) for row in rows]))

    async def possibly_twice(self, letter: UUID) -> int:
        return await self._number("possibly_twice", letter=letter)

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

    async def backlog(self, at: Instant | None = None) -> Mapping[LetterKind, Backlog]:
        rows = await self._rows(SQL["backlog"], at=at)
        return {LetterKind(kind): Backlog(due, waiting) for kind, due, waiting in rows}

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
    if len(set(keys)) == len(keys):
        return [range(len(keys))] if keys else []
    earlier: Counter[DeliveryKey] = Counter()
    waves: list[list[int]] = []
    for place, key in enumerate(keys):
        if earlier[key] == len(waves):
            waves.append([])
        waves[earlier[key]].append(place)
        earlier[key] += 1
    return waves


def _locks(leases: Iterable[UUID], keys: Sequence[DeliveryKey], marks: Sequence[Mark] = ()) -> Columns:
    return {
        "leases": UuidArray.of(leases),
        "marked_letters": UuidArray.of({mark.key.letter for mark in marks}),
        "marked_recipients": UuidArray.of(mark.key.recipient for mark in marks),
        **_key_columns(keys),
    }


def _key_columns(keys: Sequence[DeliveryKey]) -> Columns:
    return {
        "letters": UuidArray.of(key.letter for key in keys),
        "recipients": UuidArray.of(key.recipient for key in keys),
        "occasions": UuidArray.of(key.occasion for key in keys),
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
        "leases": UuidArray.of(claim.lease for claim in claims),
        "attempts": [claim.attempt for claim in claims],
    }


def _ruling_columns(rulings: Sequence[Ruling]) -> Columns:
    return {
        **_claim_columns(rulings),
        "arrows": ARROWS,
        "states": [ruling.state.value for ruling in rulings],
        "counted": [ruling.attempts for ruling in rulings],
        "waits": [ruling.retry_in.total_seconds() for ruling in rulings],
        "codes": [ruling.reply.code for ruling in rulings],
        "replies": [ruling.reply.text for ruling in rulings],
        "blames": [ruling.blames_letter for ruling in rulings],
        "give_ups": [ruling.give_up_in.total_seconds() if ruling.give_up_in else None for ruling in rulings],
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
    fields: Mapping[str, str] | None,
    tags: Sequence[str] | None,
) -> Claimed:
    key, mailbox = DeliveryKey(letter, recipient, occasion), EmailAddress(email, email_key)
    answers, chosen = fields or NO_FIELDS, tuple(tags or ())
    return Claimed(key, RecipientKind(kind), lease, attempt, mailbox, name, key_id, enqueued_at, answers, chosen)


def _in_doubt(
    letter: UUID,
    recipient: UUID,
    occasion: UUID,
    email: str | None,
    email_key: str | None,
    attempts: int,
    resend_at: Instant,
    code: int | None,
    words: str | None,
) -> InDoubt:
    key = DeliveryKey(letter, recipient, occasion)
    return InDoubt(key, _mailbox(email, email_key), attempts, resend_at, _reply(code, words))


def _failed(
    letter: UUID,
    recipient: UUID,
    occasion: UUID,
    email: str | None,
    email_key: str | None,
    attempts: int,
    code: int | None,
    words: str | None,
) -> FailedDelivery:
    key = DeliveryKey(letter, recipient, occasion)
    return FailedDelivery(key, _mailbox(email, email_key), attempts, _reply(code, words))


def _mailing(
    recipient: UUID,
    kind: str,
    subject: str | None,
    state: str,
    attempts: int,
    enqueued_at: Instant,
    settled_at: Instant | None,
    code: int | None,
    words: str | None,
) -> Mailing:
    reply = _reply(code, words)
    return Mailing(recipient, LetterKind(kind), subject, DeliveryState(state), attempts, enqueued_at, settled_at, reply)


def _page(letter: UUID, limit: int, after: DeliveryKey | None) -> Mapping[str, object]:
    behind = after or DeliveryKey(letter, UUID(int=0))
    return {"letter": letter, "recipient": behind.recipient, "occasion": behind.occasion, "limit": limit}


def _mailbox(email: str | None, key: str | None) -> EmailAddress | None:
    return EmailAddress(email, key) if email is not None and key is not None else None


def _reply(code: int | None, words: str | None) -> Reply | None:
    return None if words is None else Reply(code, words)
