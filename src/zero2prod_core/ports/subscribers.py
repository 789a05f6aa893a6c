from abc import abstractmethod
from collections.abc import Collection, Sequence
from typing import Protocol
from uuid import UUID

from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.subscribers import Round, Status, Subscriber


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
    async def end_rounds(self, subscriber: UUID) -> None:
        """End every open or confirmed round of a subscriber, whom the caller holds locked: their links are unknown."""
