from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

import attrs

from zero2prod_core.domain.audit import Action, AuditEvent, Resource
from zero2prod_core.domain.deliveries import (
    Claimed,
    Mark,
    Rejected,
    Report,
    SenderFault,
    message_id,
    rule,
)
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.issues import IssueEvent, IssueState
from zero2prod_core.domain.keys import Key, KeyRing
from zero2prod_core.domain.letters import Letter, LetterEvent, LetterKind
from zero2prod_core.domain.newsletters import Newsletter
from zero2prod_core.domain.origins import system
from zero2prod_core.domain.subscribers import TRANSITIONS, Event, Subscriber
from zero2prod_core.domain.suppressions import Reason, Suppression
from zero2prod_core.domain.tokens import Purpose, token_text
from zero2prod_core.ports.deliveries import Expired, Settled
from zero2prod_core.ports.mailer import Listing, Parcel, Sender
from zero2prod_core.ports.store import Transaction, UnitOfWork
from zero2prod_core.ports.system import Ids, Randomness
from zero2prod_core.usecases.audit import Auditor
from zero2prod_core.usecases.policy import Policy


@attrs.frozen
class Consignment:
    """Parcels under one lease, which must be renewed while any of them is unsettled."""

    lease: UUID
    parcels: Sequence[Parcel]


@attrs.frozen
class ClaimDeliveries:
    """Take due deliveries under a new lease, and turn them into parcels; an empty consignment has no lease to keep."""

    uow: UnitOfWork
    ids: Ids
    keys: KeyRing
    policy: Policy

    async def __call__(self, worker: str, limit: int, *, urgent: bool) -> Consignment:
        lease = self.ids.new()
        async with self.uow() as tx:
            claimed = await tx.deliveries.claim_batch(lease, worker, self.policy.lease_lasts, limit, urgent=urgent)
            if not claimed:
                return Consignment(lease, ())
            letters = await tx.letters.get_batch({delivery.key.letter for delivery in claimed})
            newsletters = await tx.newsletters.get_batch({letter.newsletter for letter in letters.values()})
        senders = {id_: self._sender(newsletter) for id_, newsletter in newsletters.items()}
        return Consignment(lease, [self._parcel(d, letters[d.key.letter], newsletters, senders) for d in claimed])

    def _sender(self, newsletter: Newsletter) -> Sender:
        return Sender(newsletter.name, newsletter.sender or self.policy.sender, newsletter.reply_to)

    def _parcel(
        self,
        delivery: Claimed,
        letter: Letter,
        newsletters: Mapping[UUID, Newsletter],
        senders: Mapping[UUID, Sender],
    ) -> Parcel:
        newsletter, key = newsletters[letter.newsletter], self.keys.find(delivery.key_id) or self.keys.newest
        return Parcel(
            delivery,
            letter,
            newsletter,
            senders[letter.newsletter],
            message_id(key, delivery.key, self.policy.mail_domain),
            letter.dated_at or delivery.enqueued_at,
            self._slots(delivery, letter, newsletter, key),
            self._listing(delivery, newsletter, key) if letter.kind is LetterKind.ISSUE else None,
        )

    def _listing(self, delivery: Claimed, newsletter: Newsletter, key: Key) -> Listing:
        token = token_text(key, Purpose.UNSUBSCRIBE, delivery.key.recipient)
        return Listing(f"{newsletter.slug.text}.{self.policy.mail_domain}", self.policy.unsubscribe_link(token))

    def _slots(self, delivery: Claimed, letter: Letter, newsletter: Newsletter, key: Key) -> Mapping[str, str]:
        slots = {"newsletter.name": newsletter.name, "subscriber.name": delivery.name}
        if letter.kind is LetterKind.CONFIRMATION:
            token = token_text(key, Purpose.CONFIRM, delivery.key.occasion)
            slots["confirmation.link"] = self.policy.link("/subscriptions/confirm", subscription_token=token)
            slots["confirmation.lasts"] = in_words(self.policy.token_lasts)
        return slots


def in_words(lasts: timedelta) -> str:
    """A duration as a reader would say it, in the largest unit that it has two of, or exactly one; rounded down."""
    seconds = int(lasts.total_seconds())
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        if seconds == size:
            return f"1 {unit}"
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}s"
    return "less than a second"


@attrs.frozen
class SettleDeliveries:
    """Write results and grant marks, atomically, in one transaction for all connections.

    A dead e-mail address is suppressed, and its subscribers bounce; our own fault pauses the issue with the reason.
    After Unavailable, CommitUnknown included, ask again: what holds already is left as it is, and granted again.
    """

    uow: UnitOfWork
    randomness: Randomness
    auditor: Auditor

    async def __call__(self, reports: Sequence[Report], marks: Sequence[Mark]) -> Settled:
        if marks and any(_is_dead(report) or _is_fault(report) for report in reports):
            # Their effects change recipients and letters, which marks hold against change: both in one transaction
            # could each wait for the other's.
            return Settled((await self(reports, ())).applied, (await self((), marks)).granted)
        async with self.uow() as tx:
            rulings = [rule(report, self.randomness.fraction()) for report in reports]
            settled = await tx.deliveries.settle_batch(rulings, marks)
            applied = [report for report, holds in zip(reports, settled.applied, strict=True) if holds]
            for letter, fault in sorted(_faults(applied).items()):
                await self._pause(tx, letter, fault)
            await self._bounce(tx, [report for report in applied if _is_dead(report)])
        return settled

    async def _bounce(self, tx: Transaction, dead: Sequence[Report]) -> None:
        if not dead:
            return
        now = await tx.now()
        sharing = await tx.subscribers.sharing_email({report.key.recipient for report in dead})
        reasons = await tx.suppressions.reasons([[subscriber.digest] for subscriber in sharing])
        bouncing = [s for s, why in zip(sharing, reasons, strict=True) if Reason.BOUNCE not in why or _bounces(s)]
        await tx.suppressions.add_batch([Suppression(s.digest, Reason.BOUNCE, now) for s in bouncing])
        await tx.subscribers.save_batch([s.on(Event.BOUNCE) for s in bouncing if _bounces(s)])
        await tx.audit.append_batch([self._bounced(subscriber, now) for subscriber in bouncing])

    def _bounced(self, subscriber: Subscriber, now: Instant) -> AuditEvent:
        resource, origin = Resource("subscriber", str(subscriber.id)), system("delivery")
        bounced = subscriber.on(Event.BOUNCE) if _bounces(subscriber) else subscriber
        before, after = {"status": str(subscriber.status)}, {"status": str(bounced.status), "suppressed": Reason.BOUNCE}
        return self.auditor.event(Action.SUBSCRIBER_BOUNCED, origin, resource, now, before=before, after=after)

    async def _pause(self, tx: Transaction, letter_id: UUID, reason: str) -> None:
        issue_id = (await tx.letters.get_batch([letter_id]))[letter_id].issue
        issue = await tx.issues.get(issue_id, lock=True) if issue_id else None
        if issue is None or issue.state is not IssueState.SENDING:
            return
        letter = (await tx.letters.get_batch([letter_id]))[letter_id]
        await tx.letters.save(attrs.evolve(letter.on(LetterEvent.PAUSE), pause_reason=reason))
        await tx.issues.save(attrs.evolve(issue.on(IssueEvent.PAUSE), pause_reason=reason))
        resource, origin = Resource("issue", str(issue.id)), system("delivery")
        event = self.auditor.event(Action.ISSUE_PAUSED, origin, resource, await tx.now(), reason=reason)
        await tx.audit.append_batch([event])


def _is_dead(report: Report) -> bool:
    return isinstance(report.outcome, Rejected) and report.outcome.suppress


def _is_fault(report: Report) -> bool:
    return isinstance(report.outcome, SenderFault)


def _bounces(subscriber: Subscriber) -> bool:
    return (subscriber.status, Event.BOUNCE) in TRANSITIONS


def _faults(reports: Sequence[Report]) -> Mapping[UUID, str]:
    """Letter → the server's words, for every letter whose mail was refused through our own fault."""
    return {r.key.letter: r.outcome.reply.text for r in reports if _is_fault(r)}


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
