from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

import attrs

from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.limits import Decision, Rate


@attrs.frozen(order=True)
class LimitKey:
    """What is limited (``scope``, for instance ``sign_up_network``) and for whom (``subject``: a keyed digest or a
    prefix).
    """

    scope: str
    subject: str


@attrs.frozen
class Refused:
    """What one key was refused in one minute. Without ``subject``: ``subjects`` of them together."""

    scope: str
    subject: str | None
    minute: Instant
    count: int
    subjects: int = 1


class LimitRepository(Protocol):
    """GCRA cells shared by all processes, on the store's clock."""

    @abstractmethod
    async def take_batch(self, keys: Sequence[tuple[LimitKey, Rate]], at: Instant | None = None) -> Sequence[Decision]:
        """Take one from each cell, in key order; a refused one is left as it was. Keys of one batch differ."""

    @abstractmethod
    async def hold_batch(self, keys: Collection[LimitKey], at: Instant | None = None) -> Mapping[LimitKey, Instant]:
        """Lock these cells until the transaction ends, making those that are missing full; each one's theoretical
        arrival time.
        """

    @abstractmethod
    async def peek_batch(self, keys: Collection[LimitKey]) -> Mapping[LimitKey, Instant]:
        """The theoretical arrival times of those of these cells that there are, locking none and making none."""

    @abstractmethod
    async def write_batch(self, cells: Mapping[LimitKey, Instant]) -> None:
        """Write cells that this transaction holds."""

    @abstractmethod
    async def sweep(self, idle_before: Instant, limit: int) -> int:
        """Remove at most ``limit`` cells that have long been full again; returns how many."""

    @abstractmethod
    async def count_refusals(self, counts: Mapping[LimitKey, int], minute: Instant) -> None:
        """Add to what these keys were refused in the minute that begins then; their subjects are hexadecimal."""

    @abstractmethod
    async def take_refusals(self, before: Instant, most: int) -> Sequence[Refused]:
        """Remove the refusals of the oldest minute that began before then, and return them by scope: the ``most``
        subjects of each with the highest counts, those first, and the others as one sum. None where there is no such
        minute.
        """
