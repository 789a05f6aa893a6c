"""What a person does with an issue that has been published, and what a job does when it is over."""

from uuid import UUID

import attrs

from zero2prod_core.domain.audit import Action, Resource
from zero2prod_core.domain.deliveries import UNFINISHED
from zero2prod_core.domain.issues import Issue, IssueEvent, IssueState, PauseCause
from zero2prod_core.domain.letters import Letter, LetterEvent
from zero2prod_core.domain.origins import Origin, system
from zero2prod_core.errors import IssueUnknown, NothingToResend
from zero2prod_core.ports.store import Transaction, UnitOfWork
from zero2prod_core.usecases.audit import Auditor
from zero2prod_core.usecases.policy import Policy

FINISHED_AT_ONCE = 100
"""Issues finished in one transaction: far more than ever end together, and still a short transaction."""


async def held_issue(tx: Transaction, id_: UUID) -> tuple[Issue, Letter]:
    """The issue and its letter, both locked, as must be done before any row of the ledger is. Raises IssueUnknown."""
    issue = await tx.issues.get(id_, lock=True)
    if issue is None:
        raise IssueUnknown(str(id_))
    return issue, (await tx.letters.get_batch([issue.letter], lock=True))[issue.letter]


@attrs.frozen
class PauseIssue:
    """Stop sending an issue for now: no mail of it is completed whose mark was not granted before.

    Raises IssueUnknown, TransitionRefused.
    """

    uow: UnitOfWork
    auditor: Auditor

    async def __call__(self, origin: Origin, id_: UUID) -> Issue:
        async with self.uow() as tx:
            issue, letter = await held_issue(tx, id_)
            paused = attrs.evolve(issue.on(IssueEvent.PAUSE), pause_cause=PauseCause.PERSON)
            await tx.letters.save(letter.on(LetterEvent.PAUSE))
            await tx.issues.save(paused)
            event = self.auditor.event(Action.ISSUE_PAUSED, origin, Resource("issue", str(id_)), await tx.now())
            await tx.audit.append_batch([event])
        return paused


@attrs.frozen
class ResumeIssue:
    """Go on sending a paused issue, when the reason of its pause is mended: refusals count anew from here.

    Where the relay had refused the sender, the rest goes out from the newsletter's sender as it is by now.

    Raises IssueUnknown, TransitionRefused.
    """

    uow: UnitOfWork
    policy: Policy
    auditor: Auditor

    async def __call__(self, origin: Origin, id_: UUID) -> Issue:
        async with self.uow() as tx:
            issue, letter = await held_issue(tx, id_)
            if issue.pause_cause is PauseCause.SENDER:
                letter = await self._with_sender(tx, letter)
            resumed = attrs.evolve(issue.on(IssueEvent.RESUME), pause_reason=None, pause_cause=None)
            await tx.letters.save(attrs.evolve(letter.on(LetterEvent.RESUME), pause_reason=None))
            await tx.deliveries.forgive(letter.id)
            await tx.issues.save(resumed)
            resource, reason = Resource("issue", str(id_)), issue.pause_reason
            event = self.auditor.event(Action.ISSUE_RESUMED, origin, resource, await tx.now(), reason=reason)
            await tx.audit.append_batch([event])
        return resumed

    async def _with_sender(self, tx: Transaction, letter: Letter) -> Letter:
        newsletter = (await tx.newsletters.get_batch([letter.newsletter]))[letter.newsletter]
        sender = newsletter.sender or self.policy.sender
        return attrs.evolve(letter, imprint=letter.imprint and attrs.evolve(letter.imprint, sender=sender))


@attrs.frozen
class CancelIssue:
    """Never send the rest of an issue. A job cancels its waiting deliveries; what is in doubt stays so.

    Raises IssueUnknown, TransitionRefused.
    """

    uow: UnitOfWork
    auditor: Auditor

    async def __call__(self, origin: Origin, id_: UUID) -> Issue:
        async with self.uow() as tx:
            issue, letter = await held_issue(tx, id_)
            cancelled = attrs.evolve(issue.on(IssueEvent.CANCEL), pause_reason=None, pause_cause=None)
            await tx.letters.save(attrs.evolve(letter.on(LetterEvent.CLOSE), pause_reason=None))
            await tx.issues.save(cancelled)
            resource, before = Resource("issue", str(id_)), {"state": issue.state.value}
            event = self.auditor.event(Action.ISSUE_CANCELLED, origin, resource, await tx.now(), before=before)
            await tx.audit.append_batch([event])
        return cancelled


@attrs.frozen
class ResendIssue:
    """Try the failed mails of a finished issue once more, and give them up no sooner than those of a new one.

    Raises IssueUnknown, TransitionRefused, NothingToResend.
    """

    uow: UnitOfWork
    policy: Policy
    auditor: Auditor

    async def __call__(self, origin: Origin, id_: UUID) -> Issue:
        async with self.uow() as tx:
            issue, letter = await held_issue(tx, id_)
            resent = reopened(issue)
            revived = await tx.deliveries.revive(issue.letter, self.policy.give_up_after)
            if not revived:
                raise NothingToResend
            await tx.letters.save(letter.on(LetterEvent.REOPEN))
            await tx.issues.save(resent)
            resource, after = Resource("issue", str(id_)), {"failed": revived}
            event = self.auditor.event(Action.ISSUE_RESENT, origin, resource, await tx.now(), after=after)
            await tx.audit.append_batch([event])
        return resent


def reopened(issue: Issue) -> Issue:
    """A finished issue that sends again. Raises TransitionRefused."""
    return attrs.evolve(issue.on(IssueEvent.RESEND), finished_at=None)


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
            return sum([await self._finish(tx, issue, letters[issue.letter]) for issue in issues])

    async def _finish(self, tx: Transaction, issue: Issue, letter: Letter) -> bool:
        """Finish an issue, unless a person has had mails sent again just before it was locked."""
        now, sums = await tx.now(), await tx.deliveries.sums(issue.letter)
        if not UNFINISHED.isdisjoint(sums):
            return False
        await tx.issues.save(attrs.evolve(issue.on(IssueEvent.FINISH), finished_at=now))
        await tx.letters.save(letter.on(LetterEvent.CLOSE))
        resource, after = Resource("issue", str(issue.id)), {str(state): count for state, count in sums.items()}
        event = self.auditor.event(Action.ISSUE_FINISHED, system("finish issues"), resource, now, after=after)
        await tx.audit.append_batch([event])
        return True
