from collections.abc import Sequence

import attrs

from zero2prod_core.domain.accounts import Account, Username
from zero2prod_core.domain.audit import Action, AuditOutcome, Resource
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.keys import KeyRing
from zero2prod_core.domain.origins import Origin
from zero2prod_core.domain.passwords import Password, normalised
from zero2prod_core.domain.suppressions import digest
from zero2prod_core.domain.tokens import Presented, Purpose, Token, read_token, token_text
from zero2prod_core.errors import (
    AccountUnknown,
    CurrentPasswordWrong,
    PasswordsDiffer,
    SessionRequired,
    TokenUnknown,
)
from zero2prod_core.ports.accounts import PasswordHasher
from zero2prod_core.ports.store import Transaction, UnitOfWork
from zero2prod_core.ports.system import Ids, Randomness
from zero2prod_core.usecases.audit import Auditor
from zero2prod_core.usecases.policy import Policy
from zero2prod_core.usecases.sessions import Visitor
from zero2prod_core.usecases.tokens import new_token_id, stored_token
from zero2prod_core.usecases.tries import Tries

SET_UP_PATH = "/setup"


def _resource(account: Account) -> Resource:
    return Resource("account", str(account.id))


@attrs.frozen
class CreateAccount:
    """Add an account without a password; a set-up link or `SetPassword` gives it one. Raises UsernameTaken."""

    uow: UnitOfWork
    ids: Ids
    keys: KeyRing
    auditor: Auditor

    async def __call__(self, origin: Origin, username: Username, email: EmailAddress | None = None) -> Account:
        keyed = digest(self.keys.newest, email) if email else None
        async with self.uow() as tx:
            account = Account(self.ids.new(), username, await tx.now(), email, keyed)
            await tx.accounts.add(account)
            event = self.auditor.event(Action.USER_CREATED, origin, _resource(account), account.created_at)
            await tx.audit.append_batch([event])
        return account


@attrs.frozen
class ListAccounts:
    uow: UnitOfWork

    async def __call__(self) -> Sequence[Account]:
        async with self.uow.reading() as tx:
            return await tx.accounts.list()


@attrs.frozen
class MakeSetUpLink:
    """A link with which its bearer chooses the account's password, once. It replaces earlier ones. Raises
    AccountUnknown.
    """

    uow: UnitOfWork
    randomness: Randomness
    keys: KeyRing
    policy: Policy
    auditor: Auditor

    async def __call__(self, origin: Origin, username: Username) -> str:
        async with self.uow() as tx:
            account = await tx.accounts.find(username, lock=True)
            if account is None:
                raise AccountUnknown(username.text)
            await tx.tokens.revoke(account.id, Purpose.SET_UP)
            token = await self._token(tx, account)
            event = self.auditor.event(Action.TOKEN_CREATED, origin, _resource(account), token.issued_at)
            await tx.audit.append_batch([event])
        return self.policy.link(SET_UP_PATH, token=token_text(self.keys.newest, Purpose.SET_UP, token.id))

    async def _token(self, tx: Transaction, account: Account) -> Token:
        now = await tx.now()
        id_, expires_at = new_token_id(self.randomness), now + self.policy.set_up_lasts
        token = Token(id_, Purpose.SET_UP, account.id, self.keys.newest.id, now, expires_at)
        await tx.tokens.add_batch([token])
        return token


def _read(keys: KeyRing, text: str) -> Presented:
    return read_token(keys, Purpose.SET_UP, text, "token")


async def _account_of(tx: Transaction, presented: Presented) -> Account:
    """The account that an unspent, unexpired set-up link is for."""
    token = await stored_token(tx, presented, Purpose.SET_UP)
    account = await tx.accounts.get(token.subject)
    if account is None or token.spent_at is not None:
        raise TokenUnknown
    return account


async def _locked(tx: Transaction, account: Account, presented: Presented) -> Account:
    """The same under locks, the account's before its token's, as everyone takes them."""
    await tx.accounts.get(account.id, lock=True)
    await stored_token(tx, presented, Purpose.SET_UP, lock=True)
    return await _account_of(tx, presented)


@attrs.frozen
class CheckSetUpLink:
    """The account that a set-up link is for, without using it. Raises FieldMissing and the Token refusals."""

    uow: UnitOfWork
    keys: KeyRing

    async def __call__(self, token: str) -> Account:
        presented = _read(self.keys, token)
        async with self.uow.reading() as tx:
            return await _account_of(tx, presented)


@attrs.frozen
class SetUpAccount:
    """Use a set-up link: choose the password and end every session of the account.

    Raises:
        FieldMissing, TokenMalformed, TokenUnknown, TokenExpired: the link does not work.
        PasswordsDiffer, FieldInvalid: the new password is not acceptable; the link still works.
        LimitExceeded: too many passwords from there; the link still works.
    """

    uow: UnitOfWork
    keys: KeyRing
    policy: Policy
    passwords: PasswordHasher
    auditor: Auditor
    tries: Tries

    async def __call__(self, origin: Origin, token: str, password: str, repeated: str) -> Account:
        presented = _read(self.keys, token)
        async with self.uow.reading() as tx:
            found = await _account_of(tx, presented)
        chosen = _new_password(password, repeated, self.policy)
        await self.tries.take(origin)
        encoded = await self.passwords.hash(chosen)
        async with self.uow() as tx:
            account, now = await _locked(tx, found, presented), await tx.now()
            await tx.tokens.spend(presented.id, now)
            await tx.accounts.save(attrs.evolve(account, password_hash=encoded))
            await tx.sessions.end_all(account.id)
            event = self.auditor.event(Action.PASSWORD_CHANGE, origin.as_account(account.id), _resource(account), now)
            await tx.audit.append_batch([event])
        return account


def _new_password(password: str, repeated: str, policy: Policy) -> str:
    if password != repeated:
        raise PasswordsDiffer
    return Password.parse(password, policy.common_passwords).text


@attrs.frozen
class SetPassword:
    """Set an account's password from the terminal; every session and set-up link of it ends.

    Raises:
        AccountUnknown, FieldMissing, FieldInvalid: there is no such account, or the password is not acceptable.
    """

    uow: UnitOfWork
    policy: Policy
    passwords: PasswordHasher
    auditor: Auditor

    async def __call__(self, origin: Origin, username: Username, password: str) -> None:
        encoded = await self.passwords.hash(_new_password(password, password, self.policy))
        async with self.uow() as tx:
            account = await tx.accounts.find(username, lock=True)
            if account is None:
                raise AccountUnknown(username.text)
            await tx.accounts.save(attrs.evolve(account, password_hash=encoded))
            await tx.tokens.revoke(account.id, Purpose.SET_UP)
            await tx.sessions.end_all(account.id)
            event = self.auditor.event(Action.PASSWORD_CHANGE, origin, _resource(account), await tx.now())
            await tx.audit.append_batch([event])


@attrs.frozen
class ChangePassword:
    """Change one's own password; every other session of the account ends, and so does a set-up link.

    Raises:
        PasswordsDiffer, LimitExceeded, CurrentPasswordWrong, FieldInvalid: checked in this order.
        SessionRequired: the account is gone, or its password was changed meanwhile.
    """

    uow: UnitOfWork
    policy: Policy
    passwords: PasswordHasher
    auditor: Auditor
    tries: Tries

    async def __call__(self, origin: Origin, visitor: Visitor, current: str, new: str, repeated: str) -> None:
        if new != repeated:
            raise PasswordsDiffer
        async with self.uow.reading() as tx:
            account = await tx.accounts.get(visitor.account.id)
        if account is None:
            raise SessionRequired
        await self.tries.take(origin, account.username.key)
        verification = await self.passwords.verify(normalised(current), account.password_hash)
        if not verification.matches:
            await self._refuse(origin, account)
            raise CurrentPasswordWrong
        encoded = await self.passwords.hash(_new_password(new, repeated, self.policy))
        async with self.uow() as tx:
            await self._save(tx, origin, visitor, account, encoded)

    async def _refuse(self, origin: Origin, account: Account) -> None:
        async with self.uow() as tx:
            failure = AuditOutcome.FAILURE
            event = self.auditor.event(
                Action.PASSWORD_CHANGE_FAIL,
                origin.as_account(account.id),
                _resource(account),
                await tx.now(),
                outcome=failure,
            )
            await tx.audit.append_batch([event])

    async def _save(self, tx: Transaction, origin: Origin, visitor: Visitor, checked: Account, encoded: str) -> None:
        account = await tx.accounts.get(checked.id, lock=True)
        if account is None or account.password_hash != checked.password_hash:
            raise SessionRequired
        await tx.accounts.save(attrs.evolve(account, password_hash=encoded))
        await tx.tokens.revoke(account.id, Purpose.SET_UP)
        await tx.sessions.end_all(account.id, but=visitor.session)
        await self.tries.give_back(tx, origin, account.username.key)
        event = self.auditor.event(
            Action.PASSWORD_CHANGE, origin.as_account(account.id), _resource(account), await tx.now()
        )
        await tx.audit.append_batch([event])
