"""What a program needs that has the core inside it, in one import: ``from zero2prod import embedding as z``.

The names of the core that a host types, unchanged, and one call that stands the core up over memory with those ports
that the host has of its own. It needs the extra ``server``, for the worker and for argon2.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import attrs
import structlog

from adapters_email.composing import Mail, compose
from adapters_email.one_by_one import run_one_by_one
from adapters_memory import InMemoryDeliverySignal, InMemoryHeartbeats, InMemoryLocks, InMemoryUnitOfWork
from adapters_system.ids import TimeOrderedIds
from adapters_system.passwords import Argon2PasswordHasher
from adapters_system.randomness import SystemRandomness
from zero2prod.worker import Parts, Worker
from zero2prod_core.application import Application, Ports
from zero2prod_core.domain.consent import Evidence
from zero2prod_core.domain.deliveries import Deferred, Outcome, Rejected, Reply, Sent
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.idempotency import IdempotencyKey
from zero2prod_core.domain.issues import Content
from zero2prod_core.domain.keys import KeyRing
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER, Newsletter, Slug
from zero2prod_core.domain.origins import Actor, ActorKind, Origin, system
from zero2prod_core.domain.subscriber_names import SubscriberName
from zero2prod_core.domain.subscribers import SignUp
from zero2prod_core.errors import Refusal, Unavailable
from zero2prod_core.ports.accounts import PasswordHasher, Verification
from zero2prod_core.ports.mailer import Desk, Mailer, Parcel
from zero2prod_core.ports.system import Ids, Randomness
from zero2prod_core.usecases.issues import Publication
from zero2prod_core.usecases.policy import Policy

log = structlog.get_logger(__name__)

__all__ = [
    "DEFAULT_NEWSLETTER",
    "VISITOR",
    "Actor",
    "ActorKind",
    "Application",
    "Content",
    "Deferred",
    "Desk",
    "EmailAddress",
    "Embedded",
    "Evidence",
    "IdempotencyKey",
    "Ids",
    "KeyRing",
    "Mail",
    "Mailer",
    "Newsletter",
    "Origin",
    "Outcome",
    "Parcel",
    "PasswordHasher",
    "Policy",
    "Publication",
    "Randomness",
    "Refusal",
    "Rejected",
    "Reply",
    "Sent",
    "SignUp",
    "Slug",
    "SubscriberName",
    "Unavailable",
    "compose",
    "in_memory",
    "run_one_by_one",
    "system",
]

VISITOR = Origin(Actor(ActorKind.VISITOR))
"""Somebody of whom the host knows nothing, or tells nothing."""

KEY_BYTES = 32
"""As many as an output of SHA-256, with which everything is keyed: more would add nothing (RFC 2104 §3)."""


@attrs.frozen
class Embedded:
    """The verbs, and what delivers their mail. ``rest`` ends what a later use begins again, such as threads."""

    application: Application
    parts: Parts
    rest: Callable[[], None]

    @asynccontextmanager
    async def delivering(self) -> AsyncIterator[None]:
        """A worker at work for as long as the block lasts; left, it finishes the mails under way.

        A mailer that raises ends it. That is logged at once, and raised here where the block ends: the host's own work
        goes on meanwhile, and the mails stay due.
        """
        worker = Worker("embedded", self.parts)
        running = asyncio.create_task(worker.run())
        running.add_done_callback(_log_failure)
        try:
            yield
        finally:
            worker.stop()
            try:
                await running
            finally:
                self.rest()

    async def deliver(self) -> None:
        """Try each due mail once, and return: for programs that wait for no mail, and for tests."""
        await Worker("embedded", self.parts).drain()


def _log_failure(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (error := task.exception()):
        log.error("delivering_failed", exc_info=error)


class _ServicesHasher(PasswordHasher):
    """The one that the service has, made when first used, and after `close` again."""

    def __init__(self) -> None:
        self._made: Argon2PasswordHasher | None = None

    async def hash(self, password: str) -> str:
        return await self._hasher().hash(password)

    async def verify(self, password: str, encoded: str | None) -> Verification:
        return await self._hasher().verify(password, encoded)

    def close(self) -> None:
        if self._made:
            self._made.close()
            self._made = None

    def _hasher(self) -> Argon2PasswordHasher:
        self._made = self._made or Argon2PasswordHasher()
        return self._made


def in_memory(
    policy: Policy,
    mailer: Mailer,
    *,
    ids: Ids | None = None,
    randomness: Randomness | None = None,
    passwords: PasswordHasher | None = None,
) -> Embedded:
    """The core over a store in memory; a port that is not given is the one that the service has.

    The keys are drawn anew each time: whatever they have signed ends with the memory.
    """
    uow, chance, hasher = InMemoryUnitOfWork(), randomness or SystemRandomness(), _ServicesHasher()
    keys = KeyRing.parse(chance.bytes(KEY_BYTES).hex())
    ports = Ports(uow, ids or TimeOrderedIds(), chance, passwords or hasher, keys, policy)
    application = Application.assemble(ports)
    signal, heartbeats = InMemoryDeliverySignal(uow), InMemoryHeartbeats(uow)
    return Embedded(application, Parts(application, mailer, signal, InMemoryLocks(), heartbeats), hasher.close)
