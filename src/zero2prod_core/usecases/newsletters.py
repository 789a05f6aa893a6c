from collections.abc import Sequence

import attrs

from zero2prod_core.domain.audit import Action, Resource
from zero2prod_core.domain.letters import LetterKind, template_letter
from zero2prod_core.domain.newsletters import Newsletter
from zero2prod_core.domain.origins import Origin
from zero2prod_core.ports.store import UnitOfWork
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
class ListNewsletters:
    uow: UnitOfWork

    async def __call__(self) -> Sequence[Newsletter]:
        async with self.uow.reading() as tx:
            return await tx.newsletters.list()
