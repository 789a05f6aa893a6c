from collections.abc import Collection, Sequence
from uuid import UUID

import attrs

from adapters_memory.overlay import Overlay
from adapters_memory.tables import Tables
from zero2prod_core.domain.newsletters import Newsletter, Slug
from zero2prod_core.errors import NewsletterTaken
from zero2prod_core.ports.newsletters import NewsletterRepository

__all__ = ["InMemoryNewsletterRepository"]


class InMemoryNewsletterRepository(NewsletterRepository):
    def __init__(self, tables: Tables, overlay: Overlay) -> None:
        self._by_slug = tables.newsletters_by_slug
        self._newsletters = overlay.of(tables.newsletters)

    async def add(self, newsletter: Newsletter) -> None:
        if self._newsletters.where(self._by_slug, newsletter.slug):
            raise NewsletterTaken(newsletter.slug.text)
        self._newsletters.put(newsletter.id, newsletter)

    async def find(self, slugs: Collection[Slug], *, lock: bool = False) -> dict[Slug, Newsletter]:
        return {slug: found for slug in slugs for found in self._newsletters.where(self._by_slug, slug)}

    async def get_batch(self, ids: Collection[UUID]) -> dict[UUID, Newsletter]:
        return self._newsletters.get_batch(ids)

    async def save(self, newsletter: Newsletter) -> None:
        self._newsletters.change(newsletter.id, lambda found: attrs.evolve(newsletter, slug=found.slug))

    async def list(self) -> Sequence[Newsletter]:
        return sorted(self._newsletters.values(), key=lambda newsletter: newsletter.slug.text)
