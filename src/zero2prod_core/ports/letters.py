from abc import abstractmethod
from collections.abc import Collection
from typing import Protocol
from uuid import UUID

from zero2prod_core.domain.letters import Letter


class LetterRepository(Protocol):
    @abstractmethod
    async def add(self, letter: Letter) -> None: ...

    @abstractmethod
    async def ensure(self, letter: Letter) -> None:
        """Add a template letter unless it is there: a newsletter may be older than a kind of letter."""

    @abstractmethod
    async def get_batch(self, ids: Collection[UUID], *, lock: bool = False) -> dict[UUID, Letter]:
        """Those that exist, by id; with ``lock``, held against change and against marks until the transaction ends."""

    @abstractmethod
    async def save(self, letter: Letter) -> None:
        """Write state, pause reason and imprint of an existing letter; its words never change."""
