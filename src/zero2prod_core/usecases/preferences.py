"""What readers see and change by themselves, with either of two links.

The one in every issue is as old, and as often forwarded, as the issue: it acts for its reader and shows nothing of
them. The other is mailed when it is asked for, soon expires, and shows all that is known, gives it out and erases it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import attrs

from zero2prod_core.domain.audit import Action
from zero2prod_core.domain.consent import Evidence
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.fields import Field, fitting_tags, shown_values
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.newsletters import Newsletter, Slug
from zero2prod_core.domain.origins import Origin
from zero2prod_core.domain.pauses import pause_until
from zero2prod_core.domain.people import person_as_data
from zero2prod_core.domain.subscriber_names import SubscriberName
from zero2prod_core.domain.subscribers import Status, Subscriber
from zero2prod_core.errors import SubscriberUnknown, TokenUnknown
from zero2prod_core.ports.store import Transaction, UnitOfWork
from zero2prod_core.ports.system import Ids
from zero2prod_core.usecases.audit import Auditor
from zero2prod_core.usecases.erasure import erase
from zero2prod_core.usecases.people import ReadPerson
from zero2prod_core.usecases.persons import subscriber_resource
from zero2prod_core.usecases.preference_links import AskLink, AskLinkByEmail, Bearers, LinkMails
from zero2prod_core.usecases.subscribers import Unsubscribe, newsletter_of


@attrs.frozen
class Check:
    """Which newsletter an issue's link is about, and nothing about its reader: a mail may have been forwarded. Raises
    as `Bearers`.
    """

    uow: UnitOfWork
    bearers: Bearers

    async def __call__(self, token: str) -> Newsletter:
        async with self.uow.reading() as tx:
            return await newsletter_of(tx, await self.bearers.of_issue(tx, token))


@attrs.frozen
class Rename:
    """Give the subscriber another name. Links, ``newsletter`` and errors as in `Bearers.meant`."""

    uow: UnitOfWork
    bearers: Bearers
    auditor: Auditor

    async def __call__(
        self, token: str, name: SubscriberName, evidence: Evidence, newsletter: Slug | None = None
    ) -> Newsletter:
        async with self.uow() as tx:
            subscriber = await self.bearers.meant(tx, token, newsletter)
            await _save(tx, self.auditor, subscriber, attrs.evolve(subscriber, name=name), evidence.origin)
            return await newsletter_of(tx, subscriber)


@attrs.frozen
class Pause:
    """Keep issues away until a day, at most a year, or (None) have them come again now; the pause ends by itself.

    Whoever is not confirmed gets no issues anyhow: nothing changes then, and a later sign-up begins without a pause.
    Links, ``newsletter`` and errors as in `Bearers.meant`; FieldInvalid as `pause_until`.
    """

    uow: UnitOfWork
    bearers: Bearers
    auditor: Auditor

    async def __call__(
        self, token: str, until: date | None, evidence: Evidence, newsletter: Slug | None = None
    ) -> Newsletter:
        async with self.uow() as tx:
            end = None if until is None else pause_until(until, await tx.now())
            subscriber = await self.bearers.meant(tx, token, newsletter)
            if subscriber.status is Status.CONFIRMED:
                await _save(tx, self.auditor, subscriber, attrs.evolve(subscriber, paused_until=end), evidence.origin)
            return await newsletter_of(tx, subscriber)


@attrs.frozen
class Answer:
    """Answer anew what a newsletter asks for, by the link that was mailed; see `Subscriber.answering`.

    ``fields`` are as typed, by their names, ``tags`` the names of those chosen: what is not among them is taken back.
    Raises as `Bearers.meant` with a newsletter, and FieldMissing and FieldInvalid as `parse_answers`.
    """

    uow: UnitOfWork
    bearers: Bearers
    auditor: Auditor

    async def __call__(
        self, token: str, fields: Mapping[str, str], tags: Iterable[str], evidence: Evidence, newsletter: Slug
    ) -> Newsletter:
        async with self.uow() as tx:
            subscriber = await self.bearers.meant(tx, token, newsletter)
            asking = await newsletter_of(tx, subscriber)
            await _save(tx, self.auditor, subscriber, subscriber.answering(asking, fields, tags), evidence.origin)
            return asking


async def _save(tx: Transaction, auditor: Auditor, before: Subscriber, after: Subscriber, origin: Origin) -> None:
    """Names what was changed, and not to what: it is a person's."""
    if after == before:
        return
    await tx.subscribers.save_batch([after])
    names = (field.name for field in attrs.fields(Subscriber))
    changed = " ".join(name for name in names if getattr(before, name) != getattr(after, name))
    resource = subscriber_resource(before.id)
    event = auditor.event(Action.SUBSCRIBER_CHANGED, origin, resource, await tx.now(), after={"changed": changed})
    await tx.audit.append_batch([event])


@attrs.frozen
class Leave:
    """Unsubscribe from one newsletter or, with ``everywhere``, from all that go to the e-mail address; see
    `Unsubscribe`. Links, ``newsletter`` and errors as in `Bearers.meant`.
    """

    uow: UnitOfWork
    bearers: Bearers
    unsubscribe: Unsubscribe

    async def __call__(
        self, token: str, evidence: Evidence, newsletter: Slug | None = None, *, everywhere: bool = False
    ) -> Newsletter:
        async with self.uow() as tx:
            # All of them are locked in one order, or two who leave at once would wait for each other.
            subscriber = await self.bearers.meant(tx, token, newsletter, lock=not everywhere)
            leaving = await tx.subscribers.sharing_email([subscriber.id]) if everywhere else [subscriber]
            await self.unsubscribe.withdraw(tx, leaving, evidence)
            return await newsletter_of(tx, subscriber)


@attrs.frozen
class Reading:
    """One newsletter as its subscriber sees it. ``paused_until`` is None where no pause lasts; ``fields`` and ``tags``
    are those that the newsletter still has: the questions with their answers, and the tags' names.
    """

    newsletter: Newsletter
    status: Status
    name: SubscriberName
    paused_until: Instant | None
    fields: Sequence[tuple[Field, str]]
    tags: Sequence[str]


@attrs.frozen
class Mine:
    """What is kept of one e-mail address, newsletter by newsletter in the order of their slugs."""

    email: EmailAddress
    subscriptions: Sequence[Reading]


@attrs.frozen
class Show:
    """What the link that was mailed shows. Raises as `Bearers`."""

    uow: UnitOfWork
    bearers: Bearers

    async def __call__(self, token: str) -> Mine:
        async with self.uow.reading() as tx:
            email = (await self.bearers.of_mail(tx, token)).email
            mine, now = await tx.subscribers.of_email(email), await tx.now()
            newsletters = await tx.newsletters.get_batch({each.newsletter for each in mine})
        shown = [_reading(each, newsletters[each.newsletter], now) for each in mine]
        return Mine(email, sorted(shown, key=lambda each: each.newsletter.slug.text))


def _reading(subscriber: Subscriber, newsletter: Newsletter, now: Instant) -> Reading:
    paused_until = subscriber.paused_until
    lasting = paused_until if paused_until and now < paused_until else None
    fields = shown_values(newsletter.fields, subscriber.fields)
    tags = fitting_tags(newsletter.tags, subscriber.tags)
    return Reading(newsletter, subscriber.status, subscriber.name, lasting, fields, tags)


@attrs.frozen
class GiveOut:
    """All that is kept of the e-mail address, as JSON has it (GDPR Art. 15, 20); that it was given out is on record.
    Raises as `Bearers`.
    """

    uow: UnitOfWork
    bearers: Bearers
    read: ReadPerson
    auditor: Auditor

    async def __call__(self, token: str, evidence: Evidence) -> Mapping[str, object]:
        async with self.uow() as tx:
            subscriber = await self.bearers.of_mail(tx, token, lock=True)
            person = await self.read(tx, subscriber.email)
            resource, origin = subscriber_resource(subscriber.id), evidence.origin
            event = self.auditor.event(Action.SENSITIVE_READ, origin, resource, await tx.now())
            await tx.audit.append_batch([event])
        return person_as_data(person)


@attrs.frozen
class EraseMe:
    """Forget the person, over all newsletters; see `erase`. Raises as `Bearers`."""

    uow: UnitOfWork
    bearers: Bearers
    auditor: Auditor

    async def __call__(self, token: str, evidence: Evidence) -> None:
        async with self.uow() as tx:
            subscriber = await self.bearers.of_mail(tx, token)
            try:
                await erase(tx, self.bearers.keys, self.auditor, evidence.origin, subscriber.id)
            except SubscriberUnknown:
                raise TokenUnknown from None  # another erasure was faster


@attrs.frozen
class Preferences:
    """What readers do by themselves, with a link of an issue or with the one that they had mailed to them."""

    check: Check
    rename: Rename
    pause: Pause
    answer: Answer
    unsubscribe: Leave
    ask_link: AskLink
    ask_link_by_email: AskLinkByEmail
    show: Show
    data: GiveOut
    erase: EraseMe

    @classmethod
    def assemble(cls, uow: UnitOfWork, ids: Ids, read: ReadPerson, mails: LinkMails) -> "Preferences":
        keys, auditor, bearers = mails.keys, mails.auditor, Bearers(mails.keys)
        return cls(
            Check(uow, bearers),
            Rename(uow, bearers, auditor),
            Pause(uow, bearers, auditor),
            Answer(uow, bearers, auditor),
            Leave(uow, bearers, Unsubscribe(uow, ids, keys, auditor)),
            AskLink(uow, bearers, mails),
            AskLinkByEmail(uow, mails),
            Show(uow, bearers),
            GiveOut(uow, bearers, read, auditor),
            EraseMe(uow, bearers, auditor),
        )
