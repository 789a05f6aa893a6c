"""Ids and randomness for tests: never the same twice, and the same in every run."""

from uuid import UUID

from tests.support.builders import new_id, number
from zero2prod_core.ports.system import Ids, Randomness


class CountedIds(Ids):
    def new(self) -> UUID:
        return new_id()


class CountedRandomness(Randomness):
    """Bytes that differ from call to call; a fraction that spreads nothing."""

    def bytes(self, count: int) -> bytes:
        return number().to_bytes(count, "big")

    def fraction(self) -> float:
        return 0.5
