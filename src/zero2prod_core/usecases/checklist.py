from collections.abc import Awaitable, Callable, Collection, Sequence
from uuid import UUID

import attrs

from zero2prod_core.domain.accounts import Account
from zero2prod_core.domain.audit import Action, Resource
from zero2prod_core.domain.checklist import Facts, Item, Step, checklist
from zero2prod_core.domain.issues import Issue
from zero2prod_core.domain.origins import Origin
from zero2prod_core.errors import AccountUnknown
from zero2prod_core.ports.store import UnitOfWork
from zero2prod_core.usecases.audit import Auditor


@attrs.frozen
class ReadChecklist:
    """What an account's checklist shows.

    Args:
        issues: the newest ones, as the caller has them at hand. A checklist is for beginners: whoever has twenty has
            seen one arrive.
        mailbox_opened: asked only where the answer matters, and outside of any transaction; no store knows it.
    """

    uow: UnitOfWork

    async def __call__(
        self, account: Account, issues: Collection[Issue], mailbox_opened: Callable[[], Awaitable[bool]]
    ) -> Sequence[Item]:
        if account.dismissed.issuperset(Step):
            return ()
        async with self.uow.reading() as tx:
            facts = Facts(
                signed_up=await tx.subscribers.exist(),
                confirmed=await tx.subscribers.exist(confirmed=True),
                published=bool(issues),
                arrived=await tx.deliveries.any_sent({issue.letter for issue in issues}),
            )
        if Step.MAILBOX not in account.dismissed and not facts.confirmed:
            facts = attrs.evolve(facts, mailbox_opened=await mailbox_opened())
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
            changed = account.dismissing(steps)
            if changed == account:
                return
            await tx.accounts.save(changed)
            resource, after = Resource("account", str(account.id)), {"dismissed": " ".join(sorted(changed.dismissed))}
            event = self.auditor.event(Action.CHECKLIST_DISMISSED, origin, resource, await tx.now(), after=after)
            await tx.audit.append_batch([event])
