"""The core over any store: every other port stands in by something that is predictable and costs nothing."""

from datetime import timedelta
from uuid import UUID

from zero2prod.testing.builders import KEYS, T0, new_id, number
from zero2prod_core.application import Application, Ports
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.keys import KeyRing
from zero2prod_core.domain.limits import NO_LIMITS
from zero2prod_core.ports.accounts import PasswordHasher, Verification
from zero2prod_core.ports.store import UnitOfWork
from zero2prod_core.ports.system import Ids, Randomness
from zero2prod_core.usecases.policy import Policy

BASE_URL = "https://news.example.org"

COMMON = "correct horse battery staple"
"""The one password that is refused for being common."""

POLICY = Policy(
    BASE_URL, EmailAddress.parse("news@example.org"), common_passwords=frozenset({COMMON}), limits=NO_LIMITS
)
"""Without limits, which a test of anything else would only run into."""


class CountedIds(Ids):
    """Never the same twice, and the same in every run."""

    def new(self) -> UUID:
        return new_id()


class CountedRandomness(Randomness):
    """Bytes that differ from call to call; a fraction that spreads nothing."""

    def bytes(self, count: int) -> bytes:
        return number().to_bytes(count, "big")

    def fraction(self) -> float:
        return 0.5


class CheapPasswordHasher(PasswordHasher):
    """Keeps the password as it is, for tests of everything but hashing; ``outdated`` hashes start with ``old:``."""

    async def hash(self, password: str) -> str:
        return f"new:{password}"

    async def verify(self, password: str, encoded: str | None) -> Verification:
        mark, _, known = (encoded or "").partition(":")
        return Verification(encoded is not None and known == password, mark == "old")


class MovableClock:
    """Stands still until it is moved; for stores that take a clock."""

    def __init__(self) -> None:
        self.now: Instant = T0

    def __call__(self) -> Instant:
        return self.now

    def forward(self, by: timedelta) -> None:
        self.now += by


def assemble(uow: UnitOfWork, policy: Policy = POLICY, keys: KeyRing = KEYS) -> Application:
    """Every verb of the core over this store."""
    return Application.assemble(Ports(uow, CountedIds(), CountedRandomness(), CheapPasswordHasher(), keys, policy))
