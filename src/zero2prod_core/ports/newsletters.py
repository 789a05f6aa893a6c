from abc import abstractmethod
from collections.abc import Collection, Sequence
from typing import Protocol
from uuid import UUID

from zero2prod_core.domain.newsletters import Newsletter, Slug


class NewsletterRepository(Protocol):
    """Newsletters by id and slug; the default one is there from the start."""

    @abstractmethod
    async def add(self, newsletter: Newsletter) -> None:
        """Raises NewsletterTaken where the slug exists."""

    @abstractmethod
    async def find(self, slugs: Collection[Slug], *, lock: bool = False) -> dict[Slug, Newsletter]:
        """Those that exist, by slug; ``lock`` keeps others from changing them until the end of the transaction."""

    @abstractmethod
    async def get_batch(self, ids: Collection[UUID]) -> dict[UUID, Newsletter]:
        """Those that exist, by id."""

    @abstractmethod
    async def save(self, newsletter: Newsletter) -> None:
        """Write name, sender, reply-to, postal address, fields and tags of an existing newsletter; id and slug never
        change.
        """

    @abstractmethod
    async def list(self) -> Sequence[Newsletter]:
        """All of them, by slug."""
