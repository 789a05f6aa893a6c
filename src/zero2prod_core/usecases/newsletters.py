from collections.abc import Sequence

import attrs

from zero2prod_core.domain.audit import Action, AuditEvent, Resource
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.letters import LetterKind, template_letter
from zero2prod_core.domain.newsletters import Newsletter, Slug
from zero2prod_core.domain.origins import Origin
from zero2prod_core.errors import NewsletterUnknown
from zero2prod_core.ports.store import Transaction, UnitOfWork
from zero2prod_core.ports.system import Ids
from zero2prod_core.usecases.audit import Auditor


@attrs.frozen
class CreateNewsletter:
    """Add a newsletter with its template letters. Texts as `Newsletter.parse`; raises NewsletterTaken."""

    uow: UnitOfWork
    ids: Ids
    auditor: Auditor

    async def __call__(
        self, origin: Origin, slug: str, name: str, sender: str = "", reply_to: str = "", postal_address: str = ""
    ) -> Newsletter:
        newsletter = Newsletter.parse(self.ids.new(), slug, name, sender, reply_to, postal_address)
        async with self.uow() as tx:
            await tx.newsletters.add(newsletter)
            for kind in LetterKind:
                if kind is not LetterKind.ISSUE:
                    await tx.letters.add(template_letter(newsletter.id, kind))
            resource, after = Resource("newsletter", str(newsletter.id)), {"slug": newsletter.slug.text}
            event = self.auditor.event(Action.NEWSLETTER_CREATED, origin, resource, await tx.now(), after=after)
            await tx.audit.append_batch([event])
        return newsletter


@attrs.frozen
class EditNewsletter:
    """Change some of a newsletter's settings: what is None stays, and an empty text clears what may be empty.

    Raises:
        FieldMissing, FieldInvalid: see `Newsletter.edited`.
        NewsletterUnknown: there is none of this slug.
    """

    uow: UnitOfWork
    auditor: Auditor

    async def __call__(
        self,
        origin: Origin,
        slug: str,
        *,
        name: str | None = None,
        sender: str | None = None,
        reply_to: str | None = None,
        postal_address: str | None = None,
        fields: str | None = None,
        tags: str | None = None,
    ) -> Newsletter:
        async with self.uow() as tx:
            found = await _found(tx, slug, lock=True)
            changed = found.edited(
                name=name, sender=sender, reply_to=reply_to, postal_address=postal_address, fields=fields, tags=tags
            )
            if changed != found:
                await tx.newsletters.save(changed)
                await tx.audit.append_batch([self._event(origin, found, changed, await tx.now())])
        return changed

    def _event(self, origin: Origin, before: Newsletter, after: Newsletter, now: Instant) -> AuditEvent:
        """Names what was changed, and not to what: a sender may be a person."""
        old, new = attrs.asdict(before), attrs.asdict(after)
        changed = " ".join(name for name in old if old[name] != new[name])
        resource = Resource("newsletter", str(before.id))
        return self.auditor.event(Action.NEWSLETTER_CHANGED, origin, resource, now, after={"changed": changed})


async def _found(tx: Transaction, slug: str, *, lock: bool = False) -> Newsletter:
    parsed = Slug.parse(slug)
    found = (await tx.newsletters.find([parsed], lock=lock)).get(parsed)
    if found is None:
        raise NewsletterUnknown(parsed.text)
    return found


@attrs.frozen
class FindNewsletter:
    """The newsletter of a slug, as typed. Raises FieldMissing, FieldInvalid, NewsletterUnknown."""

    uow: UnitOfWork

    async def __call__(self, slug: str) -> Newsletter:
        async with self.uow.reading() as tx:
            return await _found(tx, slug)


@attrs.frozen
class ListNewsletters:
    uow: UnitOfWork

    async def __call__(self) -> Sequence[Newsletter]:
        async with self.uow.reading() as tx:
            return await tx.newsletters.list()
