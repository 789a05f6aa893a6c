"""The whole core over a store in memory, with a clock that tests move."""

from uuid import UUID

from adapters_memory import InMemoryUnitOfWork
from zero2prod.testing.application import (
    BASE_URL,
    COMMON,
    POLICY,
    CheapPasswordHasher,
    CountedIds,
    CountedRandomness,
    MovableClock,
)
from zero2prod.testing.builders import KEYS, evidence, number, origin, publication, sign_up, token_in
from zero2prod_core.application import Application, Ports
from zero2prod_core.domain.accounts import Account, Username
from zero2prod_core.domain.audit import Action, AuditEvent
from zero2prod_core.domain.consent import Consent
from zero2prod_core.domain.deliveries import DeliveryState, Outcome, Reply, Sent
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.issues import Issue
from zero2prod_core.domain.keys import KeyRing
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER
from zero2prod_core.domain.subscribers import Subscriber
from zero2prod_core.ports.accounts import Verification
from zero2prod_core.ports.mailer import Parcel
from zero2prod_core.ports.store import UnitOfWork
from zero2prod_core.usecases.policy import Policy

__all__ = [
    "ADA",
    "BASE_URL",
    "COMMON",
    "PASSWORD",
    "POLICY",
    "SENT",
    "Core",
    "CountingHasher",
    "MovableClock",
    "publication",
    "sign_up",
    "token_in",
]

ADA = "ada@example.com"
PASSWORD = "a sentence of mine"

SENT = Sent(Reply(250, "2.0.0 taken"))


class CountingHasher(CheapPasswordHasher):
    """``hashed`` and ``verified`` count the calls, each of which would have cost a real hash."""

    def __init__(self) -> None:
        self.hashed = self.verified = 0

    async def hash(self, password: str) -> str:
        self.hashed += 1
        return await super().hash(password)

    async def verify(self, password: str, encoded: str | None) -> Verification:
        self.verified += 1
        return await super().verify(password, encoded)


class Core:
    """``application`` is the core over ``store``; `over` gives others that share the store."""

    def __init__(self, keys: KeyRing = KEYS, policy: Policy = POLICY) -> None:
        self.clock = MovableClock()
        self.store = InMemoryUnitOfWork(self.clock)
        self.passwords = CountingHasher()
        self.keys = keys
        self.policy = policy
        self.application = self.over(self.store)

    def over(self, uow: UnitOfWork, keys: KeyRing | None = None) -> Application:
        """The same application over another way into the store, or with other keys."""
        ports = Ports(uow, CountedIds(), CountedRandomness(), self.passwords, keys or self.keys, self.policy)
        return Application.assemble(ports)

    async def audit(self) -> list[AuditEvent]:
        """Every audit event, oldest first."""
        async with self.store.reading() as tx:
            return [*reversed(await tx.audit.tail(1000))]

    async def actions(self) -> list[Action]:
        return [event.action for event in await self.audit()]

    async def subscriber(self, email: str = ADA, newsletter: UUID = DEFAULT_NEWSLETTER.id) -> Subscriber:
        async with self.store.reading() as tx:
            found = await tx.subscribers.find(newsletter, EmailAddress.parse(email))
        assert found, f"nobody has signed up as {email}"
        return found

    async def save(self, *changed: Subscriber) -> None:
        async with self.store() as tx:
            await tx.subscribers.save_batch(changed)

    async def consent(self, email: str = ADA) -> list[Consent]:
        subscriber = await self.subscriber(email)
        async with self.store.reading() as tx:
            return list(await tx.consent.of([subscriber.id]))

    async def parcels(self, *, urgent: bool) -> list[Parcel]:
        """Claim everything that is due."""
        return list((await self.application.deliveries.claim("worker", 1000, urgent=urgent)).parcels)

    async def send(self, *parcels: Parcel, outcome: Outcome = SENT) -> None:
        """Mark and report claimed parcels."""
        settle = self.application.deliveries.settle
        assert all((await settle([], [parcel.mark for parcel in parcels])).granted)
        assert all((await settle([parcel.report(outcome) for parcel in parcels], [])).applied)

    async def token(self, email: str = ADA, **changes: str) -> str:
        """Sign up, send the mail, and take the token from it."""
        await self.application.subscribe(sign_up(email, **changes))
        (parcel,) = await self.parcels(urgent=True)
        await self.send(parcel)
        return token_in(parcel.slots["confirmation.link"])

    async def confirmed(self, email: str = ADA, **changes: str) -> Subscriber:
        """Sign up and confirm."""
        newsletter = await self.application.confirm(await self.token(email, **changes), evidence())
        return await self.subscriber(email, newsletter.id)

    async def published(self, *readers: str) -> Issue:
        """Publish an issue, after these e-mail addresses have been confirmed."""
        for reader in readers:
            await self.confirmed(reader)
        return await self.application.publish(publication(key=f"key {number()}"), origin())

    async def sums(self, issue: Issue) -> dict[DeliveryState, int]:
        return dict((await self.application.show_issue(issue.id)).sums)

    async def account(self, username: str = "ursula", password: str | None = PASSWORD) -> Account:
        """A member of staff, by default with a password."""
        await self.application.accounts.create(origin(), Username(username))
        if password is not None:
            await self.application.accounts.set_password(origin(), Username(username), password)
        return await self.stored_account(username)

    async def stored_account(self, username: str = "ursula") -> Account:
        async with self.store.reading() as tx:
            found = await tx.accounts.find(Username(username))
        assert found, f"there is no account {username}"
        return found
