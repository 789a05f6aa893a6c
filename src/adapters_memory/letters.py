from collections.abc import Collection
from uuid import UUID

import attrs

from adapters_memory.overlay import Overlay
from adapters_memory.tables import Tables
from zero2prod_core.domain.letters import Letter
from zero2prod_core.ports.letters import LetterRepository

__all__ = ["InMemoryLetterRepository"]


class InMemoryLetterRepository(LetterRepository):
    def __init__(self, tables: Tables, overlay: Overlay) -> None:
        self._letters = overlay.of(tables.letters)

    async def add(self, letter: Letter) -> None:
        self._letters.put(letter.id, letter)

    async def ensure(self, letter: Letter) -> None:
        if self._letters.get(letter.id) is None:
            self._letters.put(letter.id, letter)

    async def get_batch(self, ids: Collection[UUID], *, lock: bool = False) -> dict[UUID, Letter]:
        return self._letters.get_batch(ids)

    async def save(self, letter: Letter) -> None:
        def change(found: Letter) -> Letter:
            return attrs.evolve(found, state=letter.state, pause_reason=letter.pause_reason, imprint=letter.imprint)

        self._letters.change(letter.id, change)
