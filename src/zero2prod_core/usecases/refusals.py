"""What limits have refused: counted while it happens, and told to the audit log when the minute is over."""

from collections.abc import Mapping
from datetime import timedelta

import attrs

from zero2prod_core.domain.audit import Action, AuditEvent, AuditOutcome, Resource
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.origins import system
from zero2prod_core.ports.limits import LimitKey, Refused
from zero2prod_core.ports.store import UnitOfWork
from zero2prod_core.usecases.audit import Auditor

MINUTE = timedelta(minutes=1)

LATE = timedelta(seconds=10)
"""A minute may be told of so long after its end: a transaction that counts into it has committed by then."""

MOST_SUBJECTS = 100
"""Of one scope in one minute. Behind a flood from many networks stands one attack, which the sum of the rest shows."""

MINUTES_AT_ONCE = 60
"""In one run: an hour without a worker is told of at once, a week within half an hour."""


@attrs.frozen
class CountRefusals:
    """Add what a process has refused lately; it counts for the minute in which it is told."""

    uow: UnitOfWork

    async def __call__(self, counts: Mapping[LimitKey, int]) -> None:
        async with self.uow() as tx:
            await tx.limits.count_refusals(counts, (await tx.now()).replace(second=0, microsecond=0))


@attrs.frozen
class NoteRefusals:
    """A job: one audit event for each key of each minute that is over. Returns how many."""

    uow: UnitOfWork
    auditor: Auditor

    async def __call__(self) -> int:
        noted = 0
        for _ in range(MINUTES_AT_ONCE):
            of_a_minute = await self._note_oldest()
            if not of_a_minute:
                break
            noted += of_a_minute
        return noted

    async def _note_oldest(self) -> int:
        async with self.uow() as tx:
            now = await tx.now()
            refused = await tx.limits.take_refusals(now - MINUTE - LATE, MOST_SUBJECTS)
            if refused:
                await tx.audit.append_batch([self._event(each, now) for each in refused])
        return len(refused)

    def _event(self, refused: Refused, now: Instant) -> AuditEvent:
        after = {
            "minute": refused.minute.isoformat(timespec="minutes"),
            "subject": refused.subject,
            "subjects": refused.subjects,
            "refused": refused.count,
        }
        resource, failure = Resource("limit", refused.scope), AuditOutcome.FAILURE
        origin = system("note refusals")
        return self.auditor.event(Action.LIMIT_EXCEEDED, origin, resource, now, outcome=failure, after=after)
