"""E-mail addresses that are not mailed any more: complaints, wishes, lists from elsewhere, and how they are lifted."""

from collections.abc import Sequence

import attrs

from zero2prod_core.domain.audit import Action, AuditEvent
from zero2prod_core.domain.consent import Consent, ConsentKind, Evidence
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.keys import KeyRing
from zero2prod_core.domain.lines import parse_line
from zero2prod_core.domain.origins import Origin
from zero2prod_core.domain.subscribers import TRANSITIONS, Event, Subscriber
from zero2prod_core.domain.suppressions import LIFTED_BY_STAFF, Reason, Suppression, digest
from zero2prod_core.ports.store import Transaction, UnitOfWork
from zero2prod_core.ports.system import Ids
from zero2prod_core.usecases.audit import Auditor
from zero2prod_core.usecases.persons import (
    Whom,
    hold_person,
    known_digests,
    subscriber_resource,
    suppression_resource,
)

LONGEST_REASON = 500
"""Characters: a sentence or two for whoever asks later."""

COMPLAINT = "complaint"
"""The source of evidence where a complaint withdrew consent."""


async def suppress(
    tx: Transaction,
    keys: KeyRing,
    email: EmailAddress,
    subscribers: Sequence[Subscriber],
    reason: Reason,
    note: str | None = None,
) -> bool:
    """Under every listed key, and under that of each subscriber: claims ask by theirs, and a process that lists the
    keys in another order may be signing up somebody just now. Returns whether it is new under each of them.
    """
    now, keyed = await tx.now(), known_digests(keys, email, subscribers)
    added = await tx.suppressions.add_batch([Suppression(each, reason, now, note) for each in keyed])
    return added == len(keyed)


@attrs.frozen
class Suppress:
    """Mail an e-mail address no more, for a member of staff's own reason. Its subscribers stay what they are.

    The note may be empty. Again, it changes nothing. Raises FieldInvalid for a note that is no line, and
    SubscriberUnknown for an unknown id.
    """

    uow: UnitOfWork
    keys: KeyRing
    auditor: Auditor

    async def __call__(self, origin: Origin, whom: Whom, note: str = "") -> bool:
        typed = parse_line(note, "note", LONGEST_REASON) if note.strip() else None
        async with self.uow() as tx:
            email, subscribers = await hold_person(tx, whom)
            added = await suppress(tx, self.keys, email, subscribers, Reason.MANUAL, typed)
            if added:
                resource, after = suppression_resource(digest(self.keys.newest, email)), {"reason": Reason.MANUAL.value}
                now = await tx.now()
                event = self.auditor.event(Action.SUPPRESSION_ADDED, origin, resource, now, after=after, words=typed)
                await tx.audit.append_batch([event])
        return added


@attrs.frozen
class Complain:
    """Record that somebody called our mail unwanted: no newsletter is mailed to that e-mail address until a member of
    staff lifts it, and every link of an earlier sign-up ends. Again, it changes nothing.

    Raises SubscriberUnknown for an unknown id.
    """

    uow: UnitOfWork
    ids: Ids
    keys: KeyRing
    auditor: Auditor

    async def __call__(self, origin: Origin, whom: Whom) -> bool:
        async with self.uow() as tx:
            email, subscribers = await hold_person(tx, whom)
            now = await tx.now()
            added = await suppress(tx, self.keys, email, subscribers, Reason.COMPLAINT)
            leaving = [each for each in subscribers if (each.status, Event.COMPLAIN) in TRANSITIONS]
            await self._leave(tx, origin, leaving, now)
            events = [self._event(origin, each, now) for each in leaving]
            if added:
                resource = suppression_resource(digest(self.keys.newest, email))
                after = {"reason": Reason.COMPLAINT.value}
                events.append(self.auditor.event(Action.SUPPRESSION_ADDED, origin, resource, now, after=after))
            await tx.audit.append_batch(events)
        return bool(events)

    async def _leave(self, tx: Transaction, origin: Origin, leaving: Sequence[Subscriber], now: Instant) -> None:
        await tx.subscribers.save_batch([each.on(Event.COMPLAIN) for each in leaving])
        await tx.subscribers.end_rounds([each.id for each in leaving])
        evidence, withdrawn = Evidence(origin, COMPLAINT), ConsentKind.WITHDRAWN
        records = [Consent(self.ids.new(), withdrawn, each.id, None, now, evidence) for each in leaving]
        await tx.consent.add_batch(records)

    def _event(self, origin: Origin, before: Subscriber, now: Instant) -> AuditEvent:
        resource, gone = subscriber_resource(before.id), before.on(Event.COMPLAIN)
        old, new = {"status": str(before.status)}, {"status": str(gone.status)}
        return self.auditor.event(Action.SUBSCRIBER_COMPLAINED, origin, resource, now, before=old, after=new)


@attrs.frozen
class Lift:
    """Let an e-mail address be mailed again, all but one that was erased, for a reason that is kept: a member of staff
    knows something that we do not. Who complained is unsubscribed from then on, and may sign up again.

    Returns whether there was anything to lift.

    Raises:
        FieldMissing, FieldInvalid: there is no reason, or it is not one line of at most 500 characters.
        SubscriberUnknown: nobody has this id.
    """

    uow: UnitOfWork
    keys: KeyRing
    auditor: Auditor

    async def __call__(self, origin: Origin, whom: Whom, reason: str) -> bool:
        words = parse_line(reason, "reason", LONGEST_REASON)
        async with self.uow() as tx:
            email, subscribers = await hold_person(tx, whom)
            now, known = await tx.now(), known_digests(self.keys, email, subscribers)
            ((held),) = await tx.suppressions.reasons([known])
            lifted = sorted(held & LIFTED_BY_STAFF)
            forgiven = [each for each in subscribers if (each.status, Event.LIFT) in TRANSITIONS]
            await tx.suppressions.lift(known, lifted)
            await tx.subscribers.save_batch([each.on(Event.LIFT) for each in forgiven])
            events = [self._forgiven(origin, each, words, now) for each in forgiven]
            if lifted:
                resource, before = suppression_resource(digest(self.keys.newest, email)), {"reasons": " ".join(lifted)}
                event = self.auditor.event(Action.SUPPRESSION_LIFTED, origin, resource, now, before=before, words=words)
                events.append(event)
            await tx.audit.append_batch(events)
        return bool(events)

    def _forgiven(self, origin: Origin, before: Subscriber, words: str, now: Instant) -> AuditEvent:
        resource, action = subscriber_resource(before.id), Action.SUBSCRIBER_COMPLAINT_LIFTED
        old, new = {"status": str(before.status)}, {"status": str(before.on(Event.LIFT).status)}
        return self.auditor.event(action, origin, resource, now, before=old, after=new, words=words)
