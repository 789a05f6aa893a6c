from collections.abc import Collection, Sequence

import attrs

from zero2prod_core.domain.audit import Action, Resource
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.keys import KeyRing
from zero2prod_core.domain.origins import system
from zero2prod_core.domain.suppressions import digest, digests
from zero2prod_core.ports.store import Transaction, UnitOfWork
from zero2prod_core.usecases.audit import Auditor

REWRITTEN_AT_ONCE = 5_000
"""Subscribers in one transaction: a fraction of a second of work, and no mark waits longer."""


@attrs.frozen
class RewriteDigests:
    """A job: after a rotation, subscribers and what suppresses them are known under the newest key, so that older keys
    can be retired. Returns how many were rewritten.
    """

    uow: UnitOfWork
    keys: KeyRing
    auditor: Auditor

    async def __call__(self) -> int:
        if not self._older:
            return 0
        rewritten = await self._rewrite_accounts()
        while batch := await self._rewrite_subscribers():
            rewritten += batch
        return rewritten

    @property
    def _older(self) -> Sequence[str]:
        """Keys that are listed behind the newest. What a key made that is not listed is left to whoever lists it."""
        return [key.id for key in self.keys][1:]

    async def _rewrite_accounts(self) -> int:
        async with self.uow() as tx:
            found = [await tx.accounts.get(each.id, lock=True) for each in await tx.accounts.list()]
            old = [(each, each.email) for each in found if each and each.digest and each.digest.key_id in self._older]
            emails = {account.id: email for account, email in old if email}
            for account, email in old:
                if email:
                    await tx.accounts.save(attrs.evolve(account, digest=digest(self.keys.newest, email)))
            await self._adopt(tx, "accounts", emails.values())
        return len(emails)

    async def _rewrite_subscribers(self) -> int:
        async with self.uow() as tx:
            found = await tx.subscribers.under_keys(self._older, REWRITTEN_AT_ONCE)
            await tx.subscribers.save_digests({each.id: digest(self.keys.newest, each.email) for each in found})
            await self._adopt(tx, "subscribers", [each.email for each in found])
        return len(found)

    async def _adopt(self, tx: Transaction, what: str, emails: Collection[EmailAddress]) -> None:
        """Take what suppresses them along, and note how many they were."""
        if not emails:
            return
        await tx.suppressions.adopt([digests(self.keys, email) for email in emails])
        origin, resource, after = system("rewrite digests"), Resource("store", what), {"rewritten": len(emails)}
        event = self.auditor.event(Action.DIGESTS_REWRITTEN, origin, resource, await tx.now(), after=dict(after))
        await tx.audit.append_batch([event])
