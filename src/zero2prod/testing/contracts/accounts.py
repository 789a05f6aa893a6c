import attrs
import pytest

from zero2prod.testing.builders import account, email, later, new_id
from zero2prod.testing.contract import Contract
from zero2prod_core.domain.accounts import Account, Username
from zero2prod_core.domain.checklist import Step
from zero2prod_core.errors import UsernameTaken
from zero2prod_core.ports.store import UnitOfWork


async def add(uow: UnitOfWork, *accounts: Account) -> None:
    async with uow() as tx:
        for each in accounts:
            await tx.accounts.add(each)


class AccountsContract(Contract):
    """Staff accounts: `zero2prod_core.ports.accounts.AccountRepository`."""

    async def test_an_account_comes_back_as_it_was_added(self) -> None:
        full, bare = (
            account(email=email("Staff@Example.com"), password_hash="$argon2id$…", dismissed=frozenset(Step)),
            account(),
        )
        await add(self.uow, full, bare)
        async with self.uow() as tx:
            assert await tx.accounts.get(full.id, lock=True) == full
            assert await tx.accounts.get(bare.id) == bare
            assert await tx.accounts.get(new_id()) is None

    async def test_finding_an_account_has_no_regard_to_case(self) -> None:
        known = account("Ada.L")
        await add(self.uow, known)
        async with self.uow() as tx:
            assert await tx.accounts.find(Username("aDA.l"), lock=True) == known
            assert await tx.accounts.find(Username("Ada.L")) == known
            assert await tx.accounts.find(Username("ada")) is None

    async def test_a_username_that_exists_is_refused_in_any_case(self) -> None:
        first = account("Ada")
        await add(self.uow, first)
        with pytest.raises(UsernameTaken, match="aDA is taken"):
            await add(self.uow, account("aDA"))
        async with self.uow.reading() as tx:
            assert await tx.accounts.list() == [first]

    async def test_accounts_are_listed_by_username(self) -> None:
        accounts = {name: account(name) for name in ("bob", "Carol", "ada", "Ada2")}
        await add(self.uow, *accounts.values())
        async with self.uow.reading() as tx:
            listed = [found.username.text for found in await tx.accounts.list()]
        assert listed == ["ada", "Ada2", "bob", "Carol"]

    async def test_saving_an_account_writes_email_address_password_hash_and_dismissed_steps(self) -> None:
        known, other = account(), account()
        await add(self.uow, known, other)
        steps = frozenset({Step.PUBLISH, Step.CONFIRM})
        changed = attrs.evolve(known, email=email(), password_hash="$argon2id$1", dismissed=steps)
        async with self.uow() as tx:
            await tx.accounts.save(attrs.evolve(changed, username=Username("other"), created_at=later(1)))
        async with self.uow() as tx:
            assert await tx.accounts.get(known.id) == changed
            assert await tx.accounts.get(other.id) == other
            await tx.accounts.save(known)
            assert await tx.accounts.get(known.id) == known
