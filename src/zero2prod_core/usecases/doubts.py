"""Mails that failed, and those whose answer was lost: what a person sees of them, and decides."""

from collections.abc import Collection, Sequence
from uuid import UUID

import attrs

from zero2prod_core.domain.audit import Action, Resource
from zero2prod_core.domain.deliveries import DeliveryKey, FailedDelivery, InDoubt, Resolution
from zero2prod_core.domain.issues import Issue, IssueState
from zero2prod_core.domain.letters import Letter, LetterEvent
from zero2prod_core.domain.origins import Origin
from zero2prod_core.errors import IssueUnknown
from zero2prod_core.ports.store import Transaction, UnitOfWork
from zero2prod_core.usecases.audit import Auditor
from zero2prod_core.usecases.issue_steering import held_issue, reopened


@attrs.frozen
class ListUncertain:
    """An issue's deliveries in doubt, at most ``limit``, behind the recipient ``after``. Raises IssueUnknown."""

    uow: UnitOfWork

    async def __call__(self, id_: UUID, limit: int = 50, after: UUID | None = None) -> Sequence[InDoubt]:
        async with self.uow.reading() as tx:
            letter = await _letter_of(tx, id_)
            return await tx.deliveries.doubtful(letter, limit, _behind(letter, after))


@attrs.frozen
class ListFailures:
    """An issue's failed deliveries, at most ``limit``, behind the recipient ``after``. Raises IssueUnknown."""

    uow: UnitOfWork

    async def __call__(self, id_: UUID, limit: int = 50, after: UUID | None = None) -> Sequence[FailedDelivery]:
        async with self.uow.reading() as tx:
            letter = await _letter_of(tx, id_)
            return await tx.deliveries.failures(letter, limit, _behind(letter, after))


@attrs.frozen
class ResolveUncertain:
    """Decide about an issue's deliveries in doubt, of these recipients or (None) of all; returns how many they were.

    RESEND sends them once more, and makes a finished issue send again. Those of a paused issue go when it is resumed.

    Raises:
        IssueUnknown: there is no such issue.
        TransitionRefused: the issue is cancelled, and RESEND was asked for.
    """

    uow: UnitOfWork
    auditor: Auditor

    async def __call__(
        self, origin: Origin, id_: UUID, resolution: Resolution, recipients: Collection[UUID] | None = None
    ) -> int:
        async with self.uow() as tx:
            issue, letter = await held_issue(tx, id_)
            ended = resolution is Resolution.RESEND and issue.state not in {IssueState.SENDING, IssueState.PAUSED}
            again = reopened(issue) if ended else issue
            count = await tx.deliveries.resolve(letter.id, resolution, recipients)
            if not count:
                return 0
            if ended:
                await self._reopen(tx, again, letter)
            resource, after = Resource("issue", str(id_)), {"resolution": resolution.value, "deliveries": count}
            event = self.auditor.event(Action.ISSUE_RESOLVED, origin, resource, await tx.now(), after=after)
            await tx.audit.append_batch([event])
        return count

    async def _reopen(self, tx: Transaction, issue: Issue, letter: Letter) -> None:
        await tx.letters.save(letter.on(LetterEvent.REOPEN))
        await tx.issues.save(issue)


async def _letter_of(tx: Transaction, id_: UUID) -> UUID:
    issue = await tx.issues.get(id_)
    if issue is None:
        raise IssueUnknown(str(id_))
    return issue.letter


def _behind(letter: UUID, recipient: UUID | None) -> DeliveryKey | None:
    return DeliveryKey(letter, recipient) if recipient else None
