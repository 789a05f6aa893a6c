from collections.abc import Sequence
from uuid import UUID

import attrs

from adapters_memory.overlay import Overlay
from adapters_memory.tables import Tables
from zero2prod_core.domain.accounts import Account, Username
from zero2prod_core.errors import UsernameTaken
from zero2prod_core.ports.accounts import AccountRepository

__all__ = ["InMemoryAccountRepository"]


class InMemoryAccountRepository(AccountRepository):
    def __init__(self, tables: Tables, overlay: Overlay) -> None:
        self._by_username = tables.accounts_by_username
        self._accounts = overlay.of(tables.accounts)

    async def add(self, account: Account) -> None:
        if await self.find(account.username) is not None:
            raise UsernameTaken(account.username.text)
        self._accounts.put(account.id, account)

    async def get(self, id: UUID, *, lock: bool = False) -> Account | None:
        return self._accounts.get(id)

    async def find(self, username: Username, *, lock: bool = False) -> Account | None:
        return next(iter(self._accounts.where(self._by_username, username.key)), None)

    async def list(self) -> Sequence[Account]:
        return sorted(self._accounts.values(), key=lambda account: account.username.key)

    async def save(self, account: Account) -> None:
        self._accounts.change(
            account.id,
            lambda found: attrs.evolve(
                found,
                email=account.email,
                digest=account.digest,
                password_hash=account.password_hash,
                dismissed=account.dismissed,
            ),
        )
