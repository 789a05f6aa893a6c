from collections.abc import Sequence
from typing import Any
from uuid import UUID

from adapters_postgres.repositories import Repository
from adapters_postgres.sql import load
from zero2prod_core.domain.accounts import Account, Username
from zero2prod_core.domain.checklist import Step
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.suppressions import Digest
from zero2prod_core.errors import UsernameTaken
from zero2prod_core.ports.accounts import AccountRepository

SQL = load("accounts")


class PostgresAccountRepository(Repository, AccountRepository):
    async def add(self, account: Account) -> None:
        added = await self._count(
            SQL["add"],
            username=account.username.text,
            username_key=account.username.key,
            created_at=account.created_at,
            **_changeable(account),
        )
        if not added:
            raise UsernameTaken(account.username.text)

    async def get(self, id: UUID, *, lock: bool = False) -> Account | None:
        rows = await self._rows(SQL["lock" if lock else "get"], id=id)
        return _account(*rows[0]) if rows else None

    async def find(self, username: Username, *, lock: bool = False) -> Account | None:
        rows = await self._rows(SQL["find_and_lock" if lock else "find"], username_key=username.key)
        return _account(*rows[0]) if rows else None

    async def list(self) -> Sequence[Account]:
        return [_account(*row) for row in await self._rows(SQL["list"])]

    async def save(self, account: Account) -> None:
        await self._change(SQL["save"], **_changeable(account))


def _changeable(account: Account) -> dict[str, Any]:
    """What `save` writes, and the id."""
    return {
        "id": account.id,
        "email": account.email and account.email.text,
        "email_key": account.email and account.email.key,
        "digest_key": account.digest and account.digest.key_id,
        "digest": account.digest and account.digest.value,
        "password_hash": account.password_hash,
        "dismissed_steps": sorted(account.dismissed),
    }


def _account(
    id_: UUID,
    username: str,
    created_at: Instant,
    email: str | None,
    email_key: str | None,
    digest_key: str | None,
    digest: bytes | None,
    password_hash: str | None,
    dismissed: list[str],
) -> Account:
    mailbox = EmailAddress(email, email_key) if email and email_key else None
    keyed = Digest(digest_key, digest) if digest_key and digest else None
    return Account(id_, Username(username), created_at, mailbox, keyed, password_hash, frozenset(map(Step, dismissed)))
