"""The two links by which readers get at their preferences: whose they are, and how the second is asked for."""

from collections.abc import Sequence
from uuid import UUID

import attrs

from zero2prod_core.domain.audit import Action
from zero2prod_core.domain.consent import Evidence
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.keys import KeyRing
from zero2prod_core.domain.letters import LetterKind, template_letter
from zero2prod_core.domain.limits import Cells
from zero2prod_core.domain.newsletters import Newsletter, Slug
from zero2prod_core.domain.origins import Origin
from zero2prod_core.domain.subscribers import Status, Subscriber
from zero2prod_core.domain.tokens import Purpose, Token, read_token
from zero2prod_core.errors import NewsletterUnknown, TokenUnknown
from zero2prod_core.ports.limits import LimitKey
from zero2prod_core.ports.store import Transaction, UnitOfWork
from zero2prod_core.ports.system import Randomness
from zero2prod_core.ports.telemetry import Telemetry
from zero2prod_core.usecases.audit import Auditor
from zero2prod_core.usecases.limits import Admission, note_withheld, refusal, tell_withheld
from zero2prod_core.usecases.persons import hold_person, subscriber_resource
from zero2prod_core.usecases.policy import MANAGE_LASTS
from zero2prod_core.usecases.rounds import mail_to
from zero2prod_core.usecases.subscribers import newsletter_of
from zero2prod_core.usecases.tokens import new_token_id, stored_token


@attrs.frozen
class Bearers:
    """Finds the subscriber for whom a link speaks.

    Every method raises FieldMissing, TokenMalformed and TokenUnknown, see `read_token`; a link that was mailed when
    asked for, TokenExpired too. Somebody who was erased is unknown.
    """

    keys: KeyRing

    async def of_issue(self, tx: Transaction, token_text: str, *, lock: bool = False) -> Subscriber:
        return await _existing(tx, read_token(self.keys, Purpose.PREFERENCES, token_text, "token").id, lock=lock)

    async def of_mail(self, tx: Transaction, token_text: str, *, lock: bool = False) -> Subscriber:
        """The one to whom the link was mailed."""
        presented = read_token(self.keys, Purpose.MANAGE, token_text, "token")
        token = await stored_token(tx, presented, Purpose.MANAGE)
        return await _existing(tx, token.subject, lock=lock)

    async def meant(
        self, tx: Transaction, token_text: str, newsletter: Slug | None, *, lock: bool = True
    ) -> Subscriber:
        """An issue's reader; or, with a newsletter, the same e-mail address's subscriber of it, by the link that was
        mailed. Raises NewsletterUnknown where that e-mail address has none.
        """
        if newsletter is None:
            id_ = (await self.of_issue(tx, token_text)).id
        else:
            id_ = await self._of_newsletter(tx, await self.of_mail(tx, token_text), newsletter)
        return await _existing(tx, id_, lock=lock)

    async def _of_newsletter(self, tx: Transaction, bearer: Subscriber, slug: Slug) -> UUID:
        newsletter = (await tx.newsletters.find([slug])).get(slug)
        found = newsletter and await tx.subscribers.find(newsletter.id, bearer.email)
        if not found:
            raise NewsletterUnknown(slug.text)
        return found.id


async def _existing(tx: Transaction, id_: UUID, *, lock: bool = False) -> Subscriber:
    found: Subscriber | None = (await tx.subscribers.get_batch([id_], lock=lock)).get(id_)
    if found is None:
        raise TokenUnknown
    return found


@attrs.frozen
class LinkMails:
    """Mails a link to a person's data, within the limits of a sign-up: what is too much for the mailbox is not sent,
    and whoever asks cannot tell.
    """

    randomness: Randomness
    auditor: Auditor
    admission: Admission
    telemetry: Telemetry

    @property
    def keys(self) -> KeyRing:
        return self.admission.keys

    async def hold(self, tx: Transaction, email: EmailAddress, origin: Origin) -> Cells[LimitKey]:
        """Hold the cells of a mailbox and those of the visitor, and take from the visitor's.

        This comes before the subscriber is held and looked for: an erasure may go by while it waits.

        Raises:
            LimitExceeded: the visitor asks too often.
        """
        visitor = self.admission.visitor(origin)
        cells = await self.admission.hold(tx, [*visitor, *self.admission.link(email)])
        refused = refusal(cells, visitor)
        if refused is not None:
            raise refused
        return cells

    async def send(
        self, tx: Transaction, cells: Cells[LimitKey], subscriber: Subscriber | None, origin: Origin
    ) -> LimitKey | None:
        """``subscriber``, whom the transaction holds, is None where nobody is known: nothing is mailed then.

        Returns what keeps the mail back, to be told once this is committed.
        """
        withheld = cells.take(self.admission.link(subscriber.email)) if subscriber else None
        await tx.limits.write_batch(cells.changed)
        if withheld:
            await note_withheld(tx, [withheld[0]])
            return withheld[0]
        if subscriber:
            await self._send(tx, subscriber, origin)
        return None

    def tell(self, withheld: LimitKey | None) -> None:
        tell_withheld(self.telemetry, [withheld] if withheld else [])

    async def _send(self, tx: Transaction, subscriber: Subscriber, origin: Origin) -> None:
        now, key = await tx.now(), self.keys.newest
        until = now + MANAGE_LASTS
        token = Token(new_token_id(self.randomness), Purpose.MANAGE, subscriber.id, key.id, now, until)
        await tx.tokens.add_batch([token])
        await tx.letters.ensure(template_letter(subscriber.newsletter, LetterKind.PREFERENCES))
        await tx.deliveries.enqueue_batch([mail_to(key, subscriber, LetterKind.PREFERENCES, token.id, until)])
        resource, after = subscriber_resource(subscriber.id), {"purpose": str(Purpose.MANAGE)}
        await tx.audit.append_batch([self.auditor.event(Action.TOKEN_CREATED, origin, resource, now, after=after)])


@attrs.frozen
class AskLink:
    """Mail a fresh link to the reader of an issue: what an old, forwarded one does not open needs the mailbox.

    Raises as `Bearers`, and LimitExceeded.
    """

    uow: UnitOfWork
    bearers: Bearers
    mails: LinkMails

    async def __call__(self, token: str, evidence: Evidence) -> Newsletter:
        async with self.uow() as tx:
            email = (await self.bearers.of_issue(tx, token)).email
            cells = await self.mails.hold(tx, email, evidence.origin)
            subscriber = await self.bearers.of_issue(tx, token, lock=True)
            newsletter = await newsletter_of(tx, subscriber)
            withheld = await self.mails.send(tx, cells, subscriber, evidence.origin)
        self.mails.tell(withheld)
        return newsletter


@attrs.frozen
class AskLinkByEmail:
    """The same for whoever has no issue at hand. Nothing that is returned or raised depends on what is known of the
    e-mail address. Raises LimitExceeded.
    """

    uow: UnitOfWork
    mails: LinkMails

    async def __call__(self, email: EmailAddress, evidence: Evidence) -> None:
        async with self.uow() as tx:
            cells = await self.mails.hold(tx, email, evidence.origin)
            _, sharing = await hold_person(tx, email)
            withheld = await self.mails.send(tx, cells, _first(sharing), evidence.origin)
        self.mails.tell(withheld)


def _first(sharing: Sequence[Subscriber]) -> Subscriber | None:
    """In whose name the mail goes out: of a newsletter that is read, if there is one."""
    return min(sharing, key=lambda each: (each.status is not Status.CONFIRMED, each.id), default=None)
