from collections.abc import Collection, Sequence
from uuid import UUID

import attrs

from zero2prod_core.domain.accounts import Account
from zero2prod_core.domain.audit import Action, Resource
from zero2prod_core.domain.checklist import Facts, Item, Step, checklist
from zero2prod_core.domain.origins import Origin
from zero2prod_core.errors import AccountUnknown
from zero2prod_core.ports.store import UnitOfWork
from zero2prod_core.usecases.audit import Auditor

ISSUES_LOOKED_AT = 20
"""The newest ones: a checklist is for beginners, and whoever has more issues has seen one arrive."""


@attrs.frozen
class ReadChecklist:
    """What an account's checklist shows. ``mailbox_opened`` is for the caller to know: no store does."""

    uow: UnitOfWork

    async def __call__(self, account: Account, *, mailbox_opened: bool) -> Sequence[Item]:
        if account.dismissed.issuperset(Step):
            return ()
        async with self.uow.reading() as tx:
            issues = await tx.issues.list(ISSUES_LOOKED_AT)
            facts = Facts(
                signed_up=await tx.subscribers.exist(),
                mailbox_opened=mailbox_opened,
                confirmed=await tx.subscribers.exist(confirmed=True),
                published=bool(issues),
                arrived=await tx.deliveries.any_sent({issue.letter for issue in issues}),
            )
        return checklist(facts, account.dismissed)


@attrs.frozen
class DismissSteps:
    """Take steps off an account's checklist, for good. Raises AccountUnknown."""

    uow: UnitOfWork
    auditor: Auditor

    async def __call__(self, origin: Origin, account_id: UUID, steps: Collection[Step]) -> None:
        async with self.uow() as tx:
            account = await tx.accounts.get(account_id, lock=True)
            if account is None:
                raise AccountUnknown(str(account_id))
            dismissed = account.dismissed.union(steps)
            if dismissed == account.dismissed:
                return
            await tx.accounts.save(account.without(steps))
            resource, after = Resource("account", str(account.id)), {"dismissed": " ".join(sorted(dismissed))}
            event = self.auditor.event(Action.CHECKLIST_DISMISSED, origin, resource, await tx.now(), after=after)
            await tx.audit.append_batch([event])
