from collections.abc import Sequence
from datetime import timedelta

import attrs

from zero2prod_core.domain.limits import delay_after
from zero2prod_core.domain.origins import Origin
from zero2prod_core.ports.store import Transaction, UnitOfWork
from zero2prod_core.usecases.limits import Admission, Asked, refusal


@attrs.frozen
class Tries:
    """How often passwords may be tried: for one account, from one network, and in all.

    These are limits of their own. None is about an account and a network together: whoever has many networks would have
    as many tries, and whoever has many names as well. Where a network is one of a site's many, the site has its own.
    """

    uow: UnitOfWork
    admission: Admission

    async def take(self, origin: Origin, username: str | None = None) -> timedelta:
        """Take a try before a password is hashed; how long the answer is to wait if it fails.

        The network's and its site's come first, so that neither uses up more of an account's tries, or of all, than its
        own.

        Raises:
            LimitExceeded: there is none left. Nothing may be hashed.
            StoreUnavailable: nobody knows; then nothing may be hashed either.
        """
        places, account = self._cells(origin, username)
        others = [*account, *self.admission.login_total()]
        if not (places or others):
            return timedelta(0)
        async with self.uow() as tx:
            cells = await self.admission.hold(tx, [*places, *others])
            refused = refusal(cells, places) or refusal(cells, others)
            await tx.limits.write_batch(cells.changed)
        if refused:
            raise refused
        return max((delay_after(cells.used(key, rate)) for key, rate in account), default=timedelta(0))

    async def give_back(self, tx: Transaction, origin: Origin, username: str) -> None:
        """The try was a success: whoever logs in often is not stopped, and what others tried is not forgotten."""
        places, account = self._cells(origin, username)
        if taken := [*places, *account]:
            cells = await self.admission.hold(tx, taken)
            cells.give_back(taken)
            await tx.limits.write_batch(cells.changed)

    def _cells(self, origin: Origin, username: str | None) -> tuple[Sequence[Asked], Sequence[Asked]]:
        account = () if username is None else self.admission.login_account(username)
        return self.admission.login_places(origin), account
