from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

import attrs

from zero2prod_core.domain.accounts import Account, Username


class AccountRepository(Protocol):
    @abstractmethod
    async def add(self, account: Account) -> None:
        """Raises UsernameTaken where the username exists, without regard to case."""

    @abstractmethod
    async def get(self, id: UUID, *, lock: bool = False) -> Account | None: ...

    @abstractmethod
    async def find(self, username: Username, *, lock: bool = False) -> Account | None: ...

    @abstractmethod
    async def list(self) -> Sequence[Account]:
        """All of them, by username."""

    @abstractmethod
    async def save(self, account: Account) -> None:
        """Write e-mail address, password hash and dismissed steps of an existing account."""


@attrs.frozen
class Verification:
    """Whether a password matches, and whether its hash was made with parameters that have since changed."""

    matches: bool
    outdated: bool


class PasswordHasher(Protocol):
    """Slow hashing off the event loop, a bounded number at a time. Raises HasherBusy rather than queue without end."""

    @abstractmethod
    async def hash(self, password: str) -> str:
        """An encoded argon2id hash (PHC string)."""

    @abstractmethod
    async def verify(self, password: str, encoded: str | None) -> Verification:
        """``encoded`` None, for an unknown user, costs as much as a real one and never matches."""
