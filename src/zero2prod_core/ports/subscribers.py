from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol
from uuid import UUID

import attrs

from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.searches import Wanted
from zero2prod_core.domain.subscribers import Round, Status, Subscriber
from zero2prod_core.domain.suppressions import Digest


@attrs.frozen
class Lapsed:
    """Whom rounds that ended by themselves left: back in their earlier status, and removed with these ``rounds``."""

    returned: Sequence[UUID]
    removed: Sequence[UUID]
    rounds: Sequence[UUID]


class SubscriberRepository(Protocol):
    """Subscribers, unique by (newsletter, e-mail address's key), and their rounds."""

    @abstractmethod
    async def claim_batch(self, candidates: Sequence[Subscriber]) -> Sequence[Subscriber]:
        """Insert those whose (newsletter, e-mail address) is free, and lock every one of them until the end.

        Returns one subscriber per candidate in the same order: the candidate itself where it was inserted, else the one
        already there (told apart by id). Candidates of one batch differ in their (newsletter, e-mail address). Rows are
        taken in key order, so that two batches cannot deadlock.
        """

    @abstractmethod
    async def get_batch(self, ids: Collection[UUID], *, lock: bool = False) -> dict[UUID, Subscriber]:
        """Those that exist; ``lock`` keeps others from changing them until the end of the transaction."""

    @abstractmethod
    async def find(self, newsletter: UUID, email: EmailAddress) -> Subscriber | None: ...

    @abstractmethod
    async def of_email(self, email: EmailAddress) -> Sequence[Subscriber]:
        """Every subscriber of any newsletter with this e-mail address, in id order, without a lock."""

    @abstractmethod
    async def save_batch(self, subscribers: Sequence[Subscriber]) -> None:
        """Write name, statuses, times, fields and tags of existing ones; id, newsletter and e-mail address never
        change.
        """

    @abstractmethod
    async def sharing_email(self, ids: Collection[UUID]) -> Sequence[Subscriber]:
        """Lock, and return in id order, every subscriber of any newsletter whose e-mail address is that of one of
        ``ids``.
        """

    @abstractmethod
    async def browse(self, newsletter: UUID, wanted: Wanted, after: UUID | None, limit: int) -> Sequence[Subscriber]:
        """A page of at most ``limit`` subscribers, those that follow ``after``.

        Newest first, that is by id; with a prefix in the order in which it finds them: first those whose e-mail
        address begins so, by its key, then the others whose name does, by its key and id. Behind somebody who is gone,
        what a prefix finds begins anew.
        """

    @abstractmethod
    async def remove_batch(self, ids: Collection[UUID]) -> Sequence[UUID]:
        """Remove subscribers, whom this transaction holds, with their rounds; returns the rounds' ids."""

    @abstractmethod
    async def exist(self, *, confirmed: bool = False) -> bool:
        """Whether any newsletter has a subscriber, or one who once confirmed, whatever came after; without counting."""

    @abstractmethod
    async def count(self, newsletter: UUID, status: Status) -> int: ...

    @abstractmethod
    async def add_rounds(self, rounds: Sequence[Round]) -> None: ...

    @abstractmethod
    async def get_round(self, id: UUID) -> Round | None: ...

    @abstractmethod
    async def save_round(self, round: Round) -> None:
        """Write the state of an existing round."""

    @abstractmethod
    async def last_round(self, subscriber: UUID) -> Round | None:
        """The youngest round of a subscriber."""

    @abstractmethod
    async def lapse(self, opened_before: Instant, limit: int) -> Lapsed:
        """End at most ``limit`` open rounds that were opened before, passing over what others hold.

        A pending subscriber whom that leaves without an open round returns to the earlier status, or, without one, is
        removed with all rounds.
        """

    @abstractmethod
    async def under_keys(self, key_ids: Collection[str], limit: int) -> Sequence[Subscriber]:
        """Lock and return at most ``limit`` subscribers whose digest was made with one of these keys."""

    @abstractmethod
    async def save_digests(self, digests: Mapping[UUID, Digest]) -> None:
        """Write the digests of subscribers that this transaction holds."""

    @abstractmethod
    async def adopt_digests(self, digests: Sequence[Sequence[Digest]]) -> None:
        """Write the newest digest to every subscriber who has one of the others.

        Each e-mail address is given as its digests under every key, newest first.
        """

    @abstractmethod
    async def end_rounds(self, subscribers: Collection[UUID]) -> None:
        """End every open or confirmed round of subscribers whom the caller holds locked: their links are unknown."""
