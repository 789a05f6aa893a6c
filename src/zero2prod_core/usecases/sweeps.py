from datetime import timedelta

import attrs

from zero2prod_core.domain.audit import Action, Resource
from zero2prod_core.domain.breakers import FORGOTTEN_AFTER
from zero2prod_core.domain.idempotency import KEPT_FOR
from zero2prod_core.domain.origins import system
from zero2prod_core.ports.store import UnitOfWork
from zero2prod_core.usecases.audit import Auditor

SWEPT_AT_ONCE = 10_000
"""Rows of each kind in one transaction: a fraction of a second of work, whatever has piled up."""

TOKENS_KEPT = timedelta(days=30)
"""How long an expired link is still told apart from an unknown one, so that its page can offer a new one."""


@attrs.frozen
class Sweep:
    """A job: remove what is over, sessions, tokens, idempotency records, limits and breakers, with one audit event
    where any was.

    Returns how many were removed.
    """

    uow: UnitOfWork
    auditor: Auditor

    async def __call__(self) -> int:
        async with self.uow() as tx:
            now = await tx.now()
            removed = {
                "sessions": await tx.sessions.sweep(now, SWEPT_AT_ONCE),
                "tokens": await tx.tokens.sweep(now - TOKENS_KEPT, SWEPT_AT_ONCE),
                "idempotency": await tx.idempotency.sweep(now - KEPT_FOR, SWEPT_AT_ONCE),
                "limits": await tx.limits.sweep(now, SWEPT_AT_ONCE),
                "breakers": await tx.breakers.sweep(now - FORGOTTEN_AFTER, SWEPT_AT_ONCE),
            }
            if any(removed.values()):
                origin, resource = system("sweep"), Resource("store", "sweep")
                event = self.auditor.event(Action.SWEPT, origin, resource, now, after=dict(removed))
                await tx.audit.append_batch([event])
        return sum(removed.values())
