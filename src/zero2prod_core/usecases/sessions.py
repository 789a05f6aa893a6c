import attrs

from zero2prod_core.domain.accounts import Account, Username
from zero2prod_core.domain.audit import Action, AuditOutcome, Resource
from zero2prod_core.domain.origins import Origin
from zero2prod_core.domain.passwords import normalised
from zero2prod_core.domain.sessions import ID_BYTES, SessionId, new_session
from zero2prod_core.errors import CredentialsRefused, FieldInvalid
from zero2prod_core.ports.accounts import PasswordHasher
from zero2prod_core.ports.store import Transaction, UnitOfWork
from zero2prod_core.ports.system import Randomness
from zero2prod_core.usecases.audit import Auditor
from zero2prod_core.usecases.tries import Tries


@attrs.frozen
class Visitor:
    """A logged-in member of staff: the account, and the hash of the session's id."""

    account: Account
    session: bytes = attrs.field(repr=False)


def _parsed(username: str) -> Username | None:
    """None for what no account can be called; raises FieldMissing for nothing at all."""
    try:
        return Username.parse(username)
    except FieldInvalid:
        return None


@attrs.frozen
class LogIn:
    """Check username and password, and open a session under a new id.

    An unknown username costs the same tries, the same hash and the same wait, and gets the same refusal as a wrong
    password. A hash made with older parameters is renewed on the way.

    Raises:
        FieldMissing: the username is empty.
        LimitExceeded: too many have been tried; nothing was looked at.
        CredentialsRefused: one of the two is wrong, or the account has no password yet.
    """

    uow: UnitOfWork
    randomness: Randomness
    passwords: PasswordHasher
    auditor: Auditor
    tries: Tries

    async def __call__(self, origin: Origin, username: str, password: str) -> SessionId:
        name = _parsed(username)
        wait = await self.tries.take(origin, username)
        account = await self._find(name) if name else None
        encoded = account.password_hash if account else None
        typed = normalised(password)
        verification = await self.passwords.verify(typed, encoded)
        if account and verification.matches:
            renewed = await self.passwords.hash(typed) if verification.outdated else encoded
            if session_id := await self._open(origin, account, renewed):
                return session_id
        await self._refuse(origin, account)
        raise CredentialsRefused(wait)

    async def _find(self, name: Username) -> Account | None:
        async with self.uow.reading() as tx:
            return await tx.accounts.find(name)

    async def _refuse(self, origin: Origin, account: Account | None) -> None:
        """The account tried is named by its id; what was typed is not kept, for it may be a password in the wrong
        field.
        """
        async with self.uow() as tx:
            resource = Resource("account", str(account.id) if account else "unknown")
            failure = AuditOutcome.FAILURE
            event = self.auditor.event(Action.LOGIN_FAIL, origin, resource, await tx.now(), outcome=failure)
            await tx.audit.append_batch([event])

    async def _open(self, origin: Origin, account: Account, encoded: str | None) -> SessionId | None:
        """None where the account has another password by now."""
        session_id = SessionId(self.randomness.bytes(ID_BYTES))
        async with self.uow() as tx:
            now = await tx.now()
            current = await tx.accounts.get(account.id, lock=True)
            if current is None or current.password_hash != account.password_hash:
                return None
            if encoded != current.password_hash:
                await tx.accounts.save(attrs.evolve(current, password_hash=encoded))
            await tx.sessions.add(new_session(session_id, account.id, now))
            resource = Resource("account", str(account.id))
            await self.tries.give_back(tx, origin, account.username.key)
            event = self.auditor.event(Action.LOGIN_SUCCESS, origin.as_account(account.id), resource, now)
            await tx.audit.append_batch([event])
        return session_id


@attrs.frozen
class ReadSession:
    """Who a cookie's value belongs to, or None; notes the use at most once a minute.

    ``looking``: a page that is only open is no use of the session, which may end while it is.
    """

    uow: UnitOfWork

    async def __call__(self, cookie: str, *, looking: bool = False) -> Visitor | None:
        session_id = SessionId.read(cookie)
        if session_id is None:
            return None
        async with self.uow.reading() as tx:
            session = await tx.sessions.get(session_id.hash)
            if session is None or not session.alive(now := await tx.now()):
                return None
            account = await tx.accounts.get(session.account)
        if account is None:
            return None
        if not looking and session.due_for_touch(now):
            async with self.uow() as tx:
                await tx.sessions.touch(session.hash, await tx.now())
        return Visitor(account, session.hash)


@attrs.frozen
class LogOut:
    """End the session; a second time changes nothing."""

    uow: UnitOfWork
    auditor: Auditor

    async def __call__(self, origin: Origin, visitor: Visitor) -> None:
        async with self.uow() as tx:
            if await tx.sessions.end(visitor.session):
                await self._note(tx, origin, visitor.account)

    async def _note(self, tx: Transaction, origin: Origin, account: Account) -> None:
        resource = Resource("account", str(account.id))
        event = self.auditor.event(Action.LOGOUT, origin.as_account(account.id), resource, await tx.now())
        await tx.audit.append_batch([event])
