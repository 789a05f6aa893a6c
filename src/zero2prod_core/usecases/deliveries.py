from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

import attrs

from zero2prod_core.domain.audit import Action, Resource
from zero2prod_core.domain.breakers import Breaker, BreakerKey
from zero2prod_core.domain.deliveries import Claimed, Postponed, Scope, message_id
from zero2prod_core.domain.durations import spoken
from zero2prod_core.domain.keys import Key, KeyRing
from zero2prod_core.domain.letters import Imprint, Letter, LetterKind
from zero2prod_core.domain.newsletters import Newsletter
from zero2prod_core.domain.origins import system
from zero2prod_core.domain.slots import PREFERENCES_LINK
from zero2prod_core.domain.tokens import Purpose, token_text
from zero2prod_core.ports.deliveries import Backlog, Expired
from zero2prod_core.ports.mailer import Listing, Parcel, Sender
from zero2prod_core.ports.store import Transaction, UnitOfWork
from zero2prod_core.ports.system import Ids
from zero2prod_core.usecases.audit import Auditor
from zero2prod_core.usecases.policy import MANAGE_LASTS, Policy
from zero2prod_core.usecases.traffic import Traffic

CHANGED_AT_ONCE = 10_000
"""Rows that a job changes in one transaction: a fraction of a second of work, however many there are."""

IN_EVERY_ISSUE = (Purpose.UNSUBSCRIBE, Purpose.PREFERENCES)

NOTHING_DUE = Backlog(0, timedelta(0))


@attrs.frozen
class Consignment:
    """Parcels under one lease, which must be renewed while any of them is unsettled.

    ``probing``: breakers that these mails try, so that what comes of them is to be told with their results.
    ``postponed``: how many due deliveries were put off, so that the next claim finds others in their place.
    """

    lease: UUID
    parcels: Sequence[Parcel]
    probing: Collection[BreakerKey] = ()
    postponed: int = 0


@attrs.frozen
class _Guise:
    """What all mails of a letter have in common; ``newsletter`` is as it was when the letter got its imprint."""

    letter: Letter
    newsletter: Newsletter
    sender: Sender
    mail_domain: str


@attrs.frozen
class ClaimDeliveries:
    """Take due deliveries under a new lease, and turn them into parcels; an empty consignment has no lease to keep.

    What a breaker or a rate holds back is put off; urgent mail knows no rates. ``insist`` heeds no breaker.
    """

    uow: UnitOfWork
    ids: Ids
    keys: KeyRing
    policy: Policy
    traffic: Traffic

    async def __call__(self, worker: str, limit: int, *, urgent: bool, insist: bool = False) -> Consignment:
        lease, lasts = self.ids.new(), self.policy.lease_lasts
        async with self.uow() as tx:
            room, probe = (None, None) if insist else await self.traffic.relay(tx)
            most = limit if room is None else min(limit, room)
            due = await tx.deliveries.claim_batch(lease, worker, lasts, most, urgent=urgent) if most else ()
            if not due:
                return Consignment(lease, ())
            claimed = due
            letters = await tx.letters.get_batch({delivery.key.letter for delivery in claimed})
            newsletters = await tx.newsletters.get_batch({letter.newsletter for letter in letters.values()})
            guises = {id_: self._guise(letter, newsletters[letter.newsletter]) for id_, letter in letters.items()}
            probing, concerned = [probe] if probe else [], list[BreakerKey]()
            if insist:
                concerned += await self.traffic.concerned(tx, claimed)
            else:
                claimed, tried = await self._unbroken(tx, lease, claimed)
                probing += tried
            if not urgent:
                domains = {id_: guise.sender.email.domain for id_, guise in guises.items()}
                claimed = await _without(tx, lease, claimed, await self.traffic.paced(tx, claimed, domains))
            if not claimed:
                await tx.deliveries.release(lease)
            probing = [breaker for breaker in probing if _is_tried(breaker.key, claimed)]
            await tx.breakers.save_batch(probing)
        parcels = [self._parcel(each, guises[each.key.letter]) for each in claimed]
        concerned += [breaker.key for breaker in probing]
        return Consignment(lease, parcels, concerned, len(due) - len(claimed))

    async def _unbroken(
        self, tx: Transaction, lease: UUID, claimed: Sequence[Claimed]
    ) -> tuple[Sequence[Claimed], Sequence[Breaker]]:
        postponed, probed = await self.traffic.broken(tx, claimed)
        return await _without(tx, lease, claimed, postponed), probed

    def _guise(self, letter: Letter, newsletter: Newsletter) -> _Guise:
        imprint = letter.imprint or Imprint.of(newsletter, self.policy.sender)
        sender = Sender(imprint.name, imprint.sender, imprint.reply_to)
        return _Guise(letter, imprint.on(newsletter), sender, imprint.mail_domain)

    def _parcel(self, delivery: Claimed, guise: _Guise) -> Parcel:
        letter, key = guise.letter, self.keys.find(delivery.key_id) or self.keys.newest
        return Parcel(
            delivery,
            letter,
            guise.newsletter,
            guise.sender,
            message_id(key, delivery.key, guise.mail_domain),
            letter.dated_at or delivery.enqueued_at,
            self._slots(delivery, guise, key),
            self._listing(delivery, guise, key) if letter.kind is LetterKind.ISSUE else None,
        )

    def _listing(self, delivery: Claimed, guise: _Guise, key: Key) -> Listing:
        list_id, recipient = f"{guise.newsletter.slug.text}.{guise.mail_domain}", delivery.key.recipient
        way_out, preferences = (token_text(key, purpose, recipient) for purpose in IN_EVERY_ISSUE)
        return Listing(list_id, self.policy.unsubscribe_link(way_out), self.policy.preferences_link(preferences))

    def _slots(self, delivery: Claimed, guise: _Guise, key: Key) -> Mapping[str, str]:
        slots = {"newsletter.name": guise.newsletter.name, "subscriber.name": delivery.name}
        if guise.letter.kind is LetterKind.CONFIRMATION:
            token = token_text(key, Purpose.CONFIRM, delivery.key.occasion)
            slots["confirmation.link"] = self.policy.link("/subscriptions/confirm", subscription_token=token)
            slots["confirmation.lasts"] = spoken(self.policy.token_lasts)
        if guise.letter.kind is LetterKind.NOTICE:
            slots["preferences.page"] = self.policy.preferences_page
        if guise.letter.kind is LetterKind.PREFERENCES:
            token = token_text(key, Purpose.MANAGE, delivery.key.occasion)
            slots[PREFERENCES_LINK] = self.policy.manage_link(token)
            slots["preferences.lasts"] = spoken(MANAGE_LASTS)
        return slots


def _is_tried(key: BreakerKey, claimed: Sequence[Claimed]) -> bool:
    """Whether one of these mails goes where the breaker holds mail back."""
    return any(key.scope is Scope.RELAY or each.email.domain == key.subject for each in claimed)


async def _without(
    tx: Transaction, lease: UUID, claimed: Sequence[Claimed], postponed: Sequence[Postponed]
) -> Sequence[Claimed]:
    """What is left when some are put off."""
    if not postponed:
        return claimed
    await tx.deliveries.postpone_batch(lease, postponed)
    late = {each.key for each in postponed}
    return [delivery for delivery in claimed if delivery.key not in late]


@attrs.frozen
class RenewLease:
    """False where the lease has ended: nothing more may be sent under it."""

    uow: UnitOfWork
    policy: Policy

    async def __call__(self, lease: UUID) -> bool:
        async with self.uow() as tx:
            return await tx.deliveries.renew(lease, self.policy.lease_lasts)


@attrs.frozen
class ReleaseLease:
    """Give back what was not sent, so that another worker can take it at once."""

    uow: UnitOfWork

    async def __call__(self, lease: UUID) -> Expired:
        async with self.uow() as tx:
            return await tx.deliveries.release(lease)


@attrs.frozen
class ExpireLeases:
    """A job: take back what dead workers held, and requeue uncertain mails whose letter resends."""

    uow: UnitOfWork

    async def __call__(self) -> Expired:
        async with self.uow() as tx:
            return await tx.deliveries.expire()


@attrs.frozen
class CountUnfinished:
    """How many deliveries are due or held by a lease."""

    uow: UnitOfWork

    async def __call__(self) -> int:
        async with self.uow.reading() as tx:
            return await tx.deliveries.unfinished()


@attrs.frozen
class ReadBacklog:
    """What is due and under no lease, for each kind of letter; those whose letter is paused or closed do not count."""

    uow: UnitOfWork

    async def __call__(self) -> Mapping[LetterKind, Backlog]:
        async with self.uow.reading() as tx:
            found = await tx.deliveries.backlog()
        return {kind: found.get(kind, NOTHING_DUE) for kind in LetterKind}


@attrs.frozen
class CancelDeliveries:
    """A job: what waits of letters that were closed before all was sent is cancelled. Returns how many."""

    uow: UnitOfWork

    async def __call__(self) -> int:
        cancelled = 0
        while True:
            async with self.uow() as tx:
                batch = await tx.deliveries.cancel_batch(CHANGED_AT_ONCE)
            cancelled += batch
            if batch < CHANGED_AT_ONCE:
                return cancelled


@attrs.frozen
class CompactDeliveries:
    """A job: of what is over for longer than the retention, only sums, failures and doubts are kept. Returns how many
    rows that made unnecessary.
    """

    uow: UnitOfWork
    policy: Policy
    auditor: Auditor

    async def __call__(self) -> int:
        compacted = 0
        while batch := await self._compact():
            compacted += batch
        return compacted

    async def _compact(self) -> int:
        async with self.uow() as tx:
            now = await tx.now()
            count = await tx.deliveries.compact(now - self.policy.retention, CHANGED_AT_ONCE)
            if count:
                resource, origin = Resource("store", "deliveries"), system("compact deliveries")
                event = self.auditor.event(Action.COMPACTED, origin, resource, now, after={"deliveries": count})
                await tx.audit.append_batch([event])
        return count
