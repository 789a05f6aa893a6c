from collections.abc import Mapping, Sequence
from uuid import UUID

import attrs

from zero2prod_core.domain.audit import Action, Resource
from zero2prod_core.domain.deliveries import GIVE_UP_AFTER, DeliveryState
from zero2prod_core.domain.idempotency import IdempotencyKey, IdempotencyRecord
from zero2prod_core.domain.issues import Content, Issue, IssueEvent, IssueState
from zero2prod_core.domain.letters import Letter, LetterEvent, LetterKind
from zero2prod_core.domain.newsletters import Newsletter, Slug
from zero2prod_core.domain.origins import Origin, system
from zero2prod_core.errors import CommitUnknown, Defect, IssueUnknown, NewsletterUnknown
from zero2prod_core.ports.store import Transaction, UnitOfWork
from zero2prod_core.ports.system import Ids
from zero2prod_core.usecases.audit import Auditor
from zero2prod_core.usecases.policy import Policy

FINISHED_AT_ONCE = 100
"""Issues finished in one transaction: far more than ever end together, and still a short transaction."""


@attrs.frozen
class Publication:
    """What the author wants: this content to this newsletter's readers, once, whatever happens to the request."""

    newsletter: Slug
    content: Content
    key: IdempotencyKey


@attrs.frozen
class Publish:
    """Publish an issue in one transaction: issue, letter, idempotency record, audience and audit event.

    The same publication again, under the same key, returns the first one's issue.

    Raises:
        NewsletterUnknown: no such newsletter.
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
            return await self._send(tx, record, newsletter, publication.content, origin)

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
        self, tx: Transaction, record: IdempotencyRecord, newsletter: Newsletter, content: Content, origin: Origin
    ) -> Issue:
        now, letter = await tx.now(), self._letter(record, content)
        draft = Issue(record.issue, newsletter.id, letter.id, content.title, IssueState.DRAFT, now)
        await tx.letters.add(letter)
        audience = await tx.deliveries.enqueue_audience(letter, GIVE_UP_AFTER)
        issue = attrs.evolve(draft.on(IssueEvent.PUBLISH), audience=audience, published_at=now)
        await tx.issues.add(issue)
        resource, after = Resource("issue", str(issue.id)), {"state": issue.state.value, "audience": audience}
        await tx.audit.append_batch([self.auditor.event(Action.ISSUE_PUBLISHED, origin, resource, now, after=after)])
        return issue

    def _letter(self, record: IdempotencyRecord, content: Content) -> Letter:
        return Letter(
            self.ids.new(),
            record.newsletter,
            LetterKind.ISSUE,
            content.title,
            content.text,
            content.html,
            uncertain=self.policy.uncertain,
            issue=record.issue,
            dated_at=record.created_at,
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
class IssueProgress:
    """An issue, whose it is and what it says, with its ledger: the sums over all states add up to its audience."""

    issue: Issue
    newsletter: Newsletter
    letter: Letter
    sums: Mapping[DeliveryState, int]


@attrs.frozen
class ShowIssue:
    """Raises IssueUnknown."""

    uow: UnitOfWork

    async def __call__(self, id_: UUID) -> IssueProgress:
        async with self.uow.reading() as tx:
            issue = await tx.issues.get(id_)
            if issue is None:
                raise IssueUnknown(str(id_))
            newsletter = (await tx.newsletters.get_batch([issue.newsletter]))[issue.newsletter]
            letter = (await tx.letters.get_batch([issue.letter]))[issue.letter]
            return IssueProgress(issue, newsletter, letter, await tx.deliveries.sums(issue.letter))


@attrs.frozen
class ResumeIssue:
    """Go on sending a paused issue, when the reason of its pause is mended. Raises IssueUnknown, TransitionRefused."""

    uow: UnitOfWork
    auditor: Auditor

    async def __call__(self, origin: Origin, id_: UUID) -> Issue:
        async with self.uow() as tx:
            issue = await tx.issues.get(id_, lock=True)
            if issue is None:
                raise IssueUnknown(str(id_))
            resumed = attrs.evolve(issue.on(IssueEvent.RESUME), pause_reason=None)
            letter = (await tx.letters.get_batch([issue.letter]))[issue.letter]
            await tx.letters.save(attrs.evolve(letter.on(LetterEvent.RESUME), pause_reason=None))
            await tx.issues.save(resumed)
            resource, reason = Resource("issue", str(issue.id)), issue.pause_reason
            event = self.auditor.event(Action.ISSUE_RESUMED, origin, resource, await tx.now(), reason=reason)
            await tx.audit.append_batch([event])
        return resumed


@attrs.frozen
class FinishIssues:
    """A job: issues that have nothing more to send are finished and their letters closed, with their sums in the audit
    event. Returns how many.
    """

    uow: UnitOfWork
    auditor: Auditor

    async def __call__(self) -> int:
        async with self.uow() as tx:
            issues = await tx.issues.done([IssueState.SENDING], FINISHED_AT_ONCE)
            letters = await tx.letters.get_batch({issue.letter for issue in issues})
            for issue in issues:
                await self._finish(tx, issue, letters[issue.letter])
        return len(issues)

    async def _finish(self, tx: Transaction, issue: Issue, letter: Letter) -> None:
        now, sums = await tx.now(), await tx.deliveries.sums(issue.letter)
        await tx.issues.save(attrs.evolve(issue.on(IssueEvent.FINISH), finished_at=now))
        await tx.letters.save(letter.on(LetterEvent.CLOSE))
        resource, after = Resource("issue", str(issue.id)), {str(state): count for state, count in sums.items()}
        event = self.auditor.event(Action.ISSUE_FINISHED, system("finish issues"), resource, now, after=after)
        await tx.audit.append_batch([event])
