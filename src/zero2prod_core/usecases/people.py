"""What the staff see of subscribers, and do for them; every look at one person is on record."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

import attrs

from zero2prod_core.domain.audit import AuditEvent
from zero2prod_core.domain.consent import Evidence
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.keys import KeyRing
from zero2prod_core.domain.newsletters import Newsletter, Slug
from zero2prod_core.domain.origins import Origin
from zero2prod_core.domain.people import (
    Fact,
    Person,
    Subscription,
    fact_of_consent,
    fact_of_event,
    fact_of_mail,
    history_of,
)
from zero2prod_core.domain.searches import Wanted
from zero2prod_core.domain.subscribers import Status, Subscriber
from zero2prod_core.domain.suppressions import Digest, Reason, Suppression, digest
from zero2prod_core.errors import NewsletterUnknown, NothingToConfirm, Refusal, SubscriberUnknown
from zero2prod_core.ports.store import Transaction, UnitOfWork
from zero2prod_core.ports.system import Ids
from zero2prod_core.usecases.audit import Auditor
from zero2prod_core.usecases.budgets import ShowBudgets
from zero2prod_core.usecases.erasure import ErasePerson
from zero2prod_core.usecases.looks import Looks
from zero2prod_core.usecases.persons import known_digests, subscriber_resource, suppression_resource
from zero2prod_core.usecases.sign_ups import Outcome, SignUpBatch, repeated
from zero2prod_core.usecases.subscribers import Unsubscribe
from zero2prod_core.usecases.suppression_lists import ImportSuppressions
from zero2prod_core.usecases.suppressions import Complain, Lift, Suppress

MOST_EVENTS = 1000
"""Audit events shown of one person, the newest: a life has a handful, and each look at it adds one."""

EVENTS_LEFT_OUT = f"Of the audit log, only the newest {MOST_EVENTS:,} entries stand here."
MAILS_LEFT_OUT = "Mails that were done with before {:%Y-%m-%d} are not kept one by one, but for some that failed."

STAFF = "staff"
"""The source of evidence for what a member of staff did in somebody's name."""


@attrs.frozen
class BrowseSubscribers:
    """A page of a newsletter's subscribers, at most ``limit``, behind the subscriber ``after``; see `Wanted.parse` for
    what can be looked for, and `SubscriberRepository.browse` for the order.

    Raises:
        FieldMissing, FieldInvalid, NewsletterUnknown
    """

    uow: UnitOfWork

    async def __call__(
        self,
        newsletter_slug: str,
        search: str = "",
        status: str | None = None,
        tag: str = "",
        after: UUID | None = None,
        limit: int = 50,
    ) -> Sequence[Subscriber]:
        slug, wanted = Slug.parse(newsletter_slug), Wanted.parse(search, status, tag)
        async with self.uow.reading() as tx:
            newsletter: Newsletter | None = (await tx.newsletters.find([slug])).get(slug)
            if newsletter is None:
                raise NewsletterUnknown(slug.text)
            found, now = await tx.subscribers.browse(newsletter.id, wanted, after, limit), await tx.now()
        return [each.as_of(now) for each in found]


@attrs.frozen
class ShowPerson:
    """Everything about the person who is this subscriber. The look itself is audited. Raises SubscriberUnknown."""

    uow: UnitOfWork
    read: "ReadPerson"
    looks: Looks

    async def __call__(self, origin: Origin, id_: UUID) -> Person:
        async with self.uow() as tx:
            found: Subscriber | None = (await tx.subscribers.get_batch([id_])).get(id_)
            if found is None:
                raise SubscriberUnknown
            person = await self.read(tx, found.email)
            await self.looks.note(tx, origin, person, subscriber_resource(id_))
        return person


@attrs.frozen
class FindPerson:
    """The same by e-mail address, as typed. Somebody who is only suppressed, was so, or was erased, is known by that
    alone.

    Raises:
        FieldMissing, FieldInvalid: it is no e-mail address.
        SubscriberUnknown
    """

    uow: UnitOfWork
    read: "ReadPerson"
    looks: Looks

    async def __call__(self, origin: Origin, email_text: str) -> Person:
        email = EmailAddress.parse(email_text)
        async with self.uow() as tx:
            person = await self.read(tx, email)
            if not (person.subscriptions or person.suppressions or person.history):
                raise SubscriberUnknown
            ids = [each.subscriber.id for each in person.subscriptions]
            keyed = digest(self.read.keys.newest, email)
            resource = subscriber_resource(ids[0]) if ids else suppression_resource(keyed)
            await self.looks.note(tx, origin, person, resource)
        return person


@attrs.frozen
class ReadPerson:
    """Everything about an e-mail address, of which nothing may be known, in a transaction of the caller.

    ``retention``: how long mails that are over are kept one by one.
    """

    keys: KeyRing
    retention: timedelta

    async def __call__(self, tx: Transaction, email: EmailAddress) -> Person:
        subscribers = await tx.subscribers.of_email(email)
        newsletters = await tx.newsletters.get_batch({each.newsletter for each in subscribers})
        now = await tx.now()
        subscriptions = [Subscription(each.as_of(now), newsletters[each.newsletter]) for each in subscribers]
        known = {each.subscriber.id: each.newsletter for each in subscriptions}
        keyed = known_digests(self.keys, email, subscribers)
        events = await _events(tx, keyed, known)
        facts = [*await _agreed(tx, known), *_recorded(events[-MOST_EVENTS:], known), *await _mailed(tx, known)]
        left_out = [EVENTS_LEFT_OUT] if len(events) > MOST_EVENTS else []
        kept_since = now - self.retention
        if any(each.subscribed_at < kept_since for each in subscribers):
            left_out.append(MAILS_LEFT_OUT.format(kept_since))
        shown = subscribers[0].email if subscribers else email
        return Person(shown, subscriptions, _once(await tx.suppressions.of(keyed)), history_of(facts), left_out)


async def _events(tx: Transaction, keyed: Iterable[Digest], known: Iterable[UUID]) -> Sequence[AuditEvent]:
    """One more than is shown, where there are so many."""
    resources = [*map(subscriber_resource, known), *map(suppression_resource, keyed)]
    return await tx.audit.about(resources, MOST_EVENTS + 1)


def _once(suppressions: Iterable[Suppression]) -> Sequence[Suppression]:
    """The oldest for each reason: it may stand under several keys."""
    oldest = dict[Reason, Suppression]()
    for each in suppressions:
        oldest.setdefault(each.reason, each)
    return list(oldest.values())


async def _agreed(tx: Transaction, known: Mapping[UUID, Newsletter]) -> Sequence[Fact]:
    return [fact_of_consent(record, known[record.subscriber]) for record in await tx.consent.of(known.keys())]


def _recorded(events: Sequence[AuditEvent], known: Mapping[UUID, Newsletter]) -> Sequence[Fact]:
    newsletters = {subscriber_resource(id_): newsletter for id_, newsletter in known.items()}
    return [fact_of_event(event, newsletters.get(event.resource)) for event in events]


async def _mailed(tx: Transaction, known: Mapping[UUID, Newsletter]) -> Sequence[Fact]:
    mailings = await tx.deliveries.of_recipients(known.keys())
    return [fact_of_mail(mailing, known[mailing.subscriber]) for mailing in mailings]


@attrs.frozen
class UnsubscribePerson:
    """Take a subscriber off one newsletter, on a member of staff's word; see `Unsubscribe`. Again, it changes nothing.

    Raises SubscriberUnknown.
    """

    uow: UnitOfWork
    unsubscribe: Unsubscribe

    async def __call__(self, origin: Origin, id_: UUID) -> None:
        async with self.uow() as tx:
            found: Subscriber | None = (await tx.subscribers.get_batch([id_], lock=True)).get(id_)
            if found is None:
                raise SubscriberUnknown
            await self.unsubscribe.withdraw(tx, [found], Evidence(origin, STAFF))


@attrs.frozen
class ResendConfirmation:
    """Send a sign-up's confirmation mail once more, as it was typed; links of earlier mails go on working.

    Returns MAILED, WITHHELD where the mailbox or its domain has had as many as the limits allow, or NOTHING where who
    signed up left or was erased meanwhile.

    Raises:
        SubscriberUnknown: nobody has this id.
        NothingToConfirm: no sign-up of theirs waits for its confirmation.
        LimitExceeded: see `SignUpBatch`.
    """

    uow: UnitOfWork
    sign_up_batch: SignUpBatch

    async def __call__(self, origin: Origin, id_: UUID) -> Outcome:
        async with self.uow.reading() as tx:
            found: Subscriber | None = (await tx.subscribers.get_batch([id_])).get(id_)
            if found is None:
                raise SubscriberUnknown
            opened = await tx.subscribers.last_round(id_)
            if found.status is not Status.PENDING or opened is None:
                raise NothingToConfirm
            sign_up, _ = await repeated(tx, opened, Evidence(origin, STAFF))
        (answer,) = await self.sign_up_batch([sign_up])
        if isinstance(answer, Refusal):
            raise answer
        return answer


@attrs.frozen
class People:
    """The verbs by which the staff look at subscribers and act for them."""

    browse: BrowseSubscribers
    show: ShowPerson
    find: FindPerson
    budgets: ShowBudgets
    resend_confirmation: ResendConfirmation
    unsubscribe: UnsubscribePerson
    erase: ErasePerson
    complain: Complain
    suppress: Suppress
    lift: Lift
    import_suppressions: ImportSuppressions

    @classmethod
    def assemble(
        cls, uow: UnitOfWork, ids: Ids, read: ReadPerson, auditor: Auditor, sign_up_batch: SignUpBatch
    ) -> "People":
        keys = read.keys
        return cls(
            BrowseSubscribers(uow),
            ShowPerson(uow, read, Looks(auditor)),
            FindPerson(uow, read, Looks(auditor)),
            ShowBudgets(uow, sign_up_batch.admission),
            ResendConfirmation(uow, sign_up_batch),
            UnsubscribePerson(uow, Unsubscribe(uow, ids, keys, auditor)),
            ErasePerson(uow, keys, auditor),
            Complain(uow, ids, keys, auditor),
            Suppress(uow, keys, auditor),
            Lift(uow, keys, auditor),
            ImportSuppressions(uow, keys, auditor),
        )
