from collections.abc import Sequence
from uuid import UUID

import attrs

from zero2prod_core.domain.audit import Action, Resource
from zero2prod_core.domain.breakers import Breaker
from zero2prod_core.domain.deliveries import Scope
from zero2prod_core.domain.idempotency import IdempotencyKey, IdempotencyRecord
from zero2prod_core.domain.issues import Content, Issue, IssueEvent, IssueState
from zero2prod_core.domain.letters import Imprint, Letter, LetterKind, UncertainPolicy
from zero2prod_core.domain.newsletters import Newsletter, Slug
from zero2prod_core.domain.origins import Origin
from zero2prod_core.domain.progress_reports import IssueProgress
from zero2prod_core.errors import CommitUnknown, Defect, IssueUnknown, NewsletterUnknown
from zero2prod_core.ports.store import Transaction, UnitOfWork
from zero2prod_core.ports.system import Ids
from zero2prod_core.usecases.audit import Auditor
from zero2prod_core.usecases.policy import Policy

BREAKERS_SHOWN = 10
"""Of those that hold mail back: more domains than a person looks after at once."""


@attrs.frozen
class Publication:
    """What the author wants: this content to this newsletter's readers, once, whatever happens to the request.

    ``uncertain``: what becomes of mails whose answer is lost; None for the policy's own.
    """

    newsletter: Slug
    content: Content
    key: IdempotencyKey
    uncertain: UncertainPolicy | None = None


@attrs.frozen
class Publish:
    """Publish an issue in one transaction: issue, letter, idempotency record, audience and audit event.

    The same publication again, under the same key, returns the first one's issue.

    Raises:
        NewsletterUnknown: no such newsletter.
        FieldInvalid: a slot is for a field that the newsletter does not ask for.
        IdempotencyKeyInUse: the first request with this key has been running for more than 5 s.
        IdempotencyKeyReused: the key belongs to other content.
    """

    uow: UnitOfWork
    ids: Ids
    policy: Policy
    auditor: Auditor

    async def __call__(self, publication: Publication, origin: Origin) -> Issue:
        try:
            return await self._publish(publication, origin)
        except CommitUnknown:
            return await self._publish(publication, origin)

    async def _publish(self, publication: Publication, origin: Origin) -> Issue:
        async with self.uow() as tx:
            newsletter = await _newsletter(tx, publication.newsletter)
            record = await self._record(tx, newsletter, publication, origin)
            standing = await tx.idempotency.claim(record)
            if standing != record:
                return await _issue(tx, standing.answer_to(record.fingerprint))
            return await self._send(tx, newsletter, record, publication, origin)

    async def _record(
        self, tx: Transaction, newsletter: Newsletter, publication: Publication, origin: Origin
    ) -> IdempotencyRecord:
        return IdempotencyRecord(
            newsletter.id,
            publication.key,
            publication.content.fingerprint,
            str(origin.actor),
            self.ids.new(),
            await tx.now(),
        )

    async def _send(
        self,
        tx: Transaction,
        newsletter: Newsletter,
        record: IdempotencyRecord,
        publication: Publication,
        origin: Origin,
    ) -> Issue:
        publication.content.check_fields([field.name for field in newsletter.fields])
        now, letter = await tx.now(), self._letter(newsletter, record, publication)
        draft = Issue(record.issue, letter.newsletter, letter.id, publication.content.title, IssueState.DRAFT, now)
        await tx.letters.add(letter)
        audience = await tx.deliveries.enqueue_audience(letter, self.policy.give_up_after)
        issue = attrs.evolve(draft.on(IssueEvent.PUBLISH), audience=audience, published_at=now)
        await tx.issues.add(issue)
        resource, after = Resource("issue", str(issue.id)), {"state": issue.state.value, "audience": audience}
        await tx.audit.append_batch([self.auditor.event(Action.ISSUE_PUBLISHED, origin, resource, now, after=after)])
        return issue

    def _letter(self, newsletter: Newsletter, record: IdempotencyRecord, publication: Publication) -> Letter:
        content = publication.content
        return Letter(
            self.ids.new(),
            newsletter.id,
            LetterKind.ISSUE,
            content.title,
            content.text,
            content.html,
            uncertain=publication.uncertain or self.policy.uncertain,
            issue=record.issue,
            dated_at=record.created_at,
            markdown=content.markdown,
            imprint=Imprint.of(newsletter, self.policy.sender),
        )


async def _newsletter(tx: Transaction, slug: Slug) -> Newsletter:
    newsletter: Newsletter | None = (await tx.newsletters.find([slug])).get(slug)
    if newsletter is None:
        raise NewsletterUnknown(slug.text)
    return newsletter


async def _issue(tx: Transaction, id_: UUID) -> Issue:
    issue = await tx.issues.get(id_)
    if issue is None:
        raise Defect(f"idempotency record of issue {id_}, which does not exist")
    return issue


@attrs.frozen
class ListIssues:
    """Newest first, at most ``limit``, older than ``before``."""

    uow: UnitOfWork

    async def __call__(self, limit: int = 50, before: UUID | None = None) -> Sequence[Issue]:
        async with self.uow.reading() as tx:
            return await tx.issues.list(limit, before)


@attrs.frozen
class ShowIssue:
    """Raises IssueUnknown."""

    uow: UnitOfWork
    policy: Policy

    async def __call__(self, id_: UUID) -> IssueProgress:
        async with self.uow.reading() as tx:
            issue = await tx.issues.get(id_)
            if issue is None:
                raise IssueUnknown(str(id_))
            newsletter = (await tx.newsletters.get_batch([issue.newsletter]))[issue.newsletter]
            letter = (await tx.letters.get_batch([issue.letter]))[issue.letter]
            sums = await tx.deliveries.sums(issue.letter)
            twice = await tx.deliveries.possibly_twice(issue.letter)
            limited = self.policy.limits_mail
            return IssueProgress(issue, newsletter, letter, sums, twice, await self._held_back(tx), limited)

    async def _held_back(self, tx: Transaction) -> Sequence[Breaker]:
        """The breakers that are open; of a relay that the settings name no more, nobody wants to know."""
        found = await tx.breakers.list(BREAKERS_SHOWN)
        return [each for each in found if each.key.scope is Scope.DOMAIN or each.key.subject == self.policy.relay]
