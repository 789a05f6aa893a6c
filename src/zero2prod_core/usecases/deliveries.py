from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

import attrs

from zero2prod_core.domain.audit import Action, AuditEvent, Resource
from zero2prod_core.domain.deliveries import (
    Claimed,
    DeliveryState,
    Mark,
    Rejected,
    Report,
    Ruling,
    SenderFault,
    message_id,
    rule,
)
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.issues import IssueEvent, IssueState
from zero2prod_core.domain.keys import KeyRing
from zero2prod_core.domain.letters import Letter, LetterEvent, LetterKind
from zero2prod_core.domain.newsletters import Newsletter
from zero2prod_core.domain.origins import system
from zero2prod_core.domain.subscribers import TRANSITIONS, Event, Subscriber
from zero2prod_core.domain.suppressions import Reason, Suppression
from zero2prod_core.domain.tokens import Purpose, token_text
from zero2prod_core.errors import CommitUnknown
from zero2prod_core.ports.deliveries import Expired, Settled
from zero2prod_core.ports.mailer import Parcel, Sender
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
        newsletter = newsletters[letter.newsletter]
        return Parcel(
            delivery,
            letter,
            newsletter,
            senders[letter.newsletter],
            message_id(self.keys.newest, delivery.key, self.policy.mail_domain),
            letter.dated_at or delivery.enqueued_at,
            self._slots(delivery, letter, newsletter),
        )

    def _slots(self, delivery: Claimed, letter: Letter, newsletter: Newsletter) -> Mapping[str, str]:
        slots = {"newsletter.name": newsletter.name, "subscriber.name": delivery.name}
        if letter.kind is LetterKind.CONFIRMATION:
            token = token_text(self.keys.newest, Purpose.CONFIRM, delivery.key.occasion)
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
    Where the outcome of the commit is unknown, what the ledger holds is read back, and what it lacks is settled again:
    a server's answer that we have must not be taken for a lost one.
    """

    uow: UnitOfWork
    randomness: Randomness
    policy: Policy
    auditor: Auditor

    async def __call__(self, reports: Sequence[Report], marks: Sequence[Mark]) -> Settled:
        rulings = [rule(report, self.randomness.fraction()) for report in reports]
        try:
            return await self._settle(reports, rulings, marks)
        except CommitUnknown:
            held = await self._read_back(rulings, marks)
        again = await self._settle(reports, rulings, marks)
        return Settled(_either(held.applied, again.applied), _either(held.granted, again.granted))

    async def _settle(self, reports: Sequence[Report], rulings: Sequence[Ruling], marks: Sequence[Mark]) -> Settled:
        async with self.uow() as tx:
            settled = await tx.deliveries.settle_batch(rulings, marks)
            applied = [report for report, holds in zip(reports, settled.applied, strict=True) if holds]
            await self._bounce(tx, [report for report in applied if _is_dead(report)])
            for letter, fault in _faults(applied).items():
                await self._pause(tx, letter, fault)
        return settled

    async def _read_back(self, rulings: Sequence[Ruling], marks: Sequence[Mark]) -> Settled:
        """What holds already. An attempting row is ours while our lease lasts; later it may be another worker's."""
        keys = [ruling.key for ruling in rulings] + [mark.key for mark in marks]
        async with self.uow() as tx:
            leases = sorted({mark.lease for mark in marks})
            lasting = {lease for lease in leases if await tx.deliveries.renew(lease, self.policy.lease_lasts)}
            states = await tx.deliveries.states(keys)
        return Settled(
            tuple(states.get(ruling.key) is ruling.state for ruling in rulings),
            tuple(states.get(mark.key) is DeliveryState.ATTEMPTING and mark.lease in lasting for mark in marks),
        )

    async def _bounce(self, tx: Transaction, dead: Sequence[Report]) -> None:
        if not dead:
            return
        now = await tx.now()
        subscribers = await tx.subscribers.sharing_email({report.key.recipient for report in dead})
        await tx.suppressions.add_batch([Suppression(s.digest, Reason.BOUNCE, now) for s in subscribers])
        bouncing = [s for s in subscribers if (s.status, Event.BOUNCE) in TRANSITIONS]
        await tx.subscribers.save_batch([s.on(Event.BOUNCE) for s in bouncing])
        await tx.audit.append_batch([self._bounced(subscriber, now) for subscriber in bouncing])

    def _bounced(self, subscriber: Subscriber, now: Instant) -> AuditEvent:
        resource = Resource("subscriber", str(subscriber.id))
        before = {"status": str(subscriber.status)}
        after = {"status": str(subscriber.on(Event.BOUNCE).status)}
        origin = system("delivery")
        return self.auditor.event(Action.SUBSCRIBER_BOUNCED, origin, resource, now, before=before, after=after)

    async def _pause(self, tx: Transaction, letter_id: UUID, reason: str) -> None:
        letter = (await tx.letters.get_batch([letter_id]))[letter_id]
        issue = await tx.issues.get(letter.issue, lock=True) if letter.issue else None
        if issue is None or issue.state is not IssueState.SENDING:
            return
        await tx.letters.save(attrs.evolve(letter.on(LetterEvent.PAUSE), pause_reason=reason))
        await tx.issues.save(attrs.evolve(issue.on(IssueEvent.PAUSE), pause_reason=reason))
        resource, origin = Resource("issue", str(issue.id)), system("delivery")
        event = self.auditor.event(Action.ISSUE_PAUSED, origin, resource, await tx.now(), reason=reason)
        await tx.audit.append_batch([event])


def _either(first: Sequence[bool], second: Sequence[bool]) -> tuple[bool, ...]:
    return tuple(a or b for a, b in zip(first, second, strict=True))


def _is_dead(report: Report) -> bool:
    return isinstance(report.outcome, Rejected) and report.outcome.suppress


def _faults(reports: Sequence[Report]) -> Mapping[UUID, str]:
    """Letter → the server's words, for every letter whose mail was refused through our own fault."""
    return {r.key.letter: r.outcome.reply.text for r in reports if isinstance(r.outcome, SenderFault)}


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
