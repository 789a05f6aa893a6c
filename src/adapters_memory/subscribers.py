from collections.abc import Collection, Sequence
from functools import partial
from uuid import UUID

import attrs

from adapters_memory.overlay import Overlay
from adapters_memory.tables import Tables
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.subscribers import Round, RoundState, Status, Subscriber
from zero2prod_core.ports.subscribers import SubscriberRepository

__all__ = ["InMemorySubscriberRepository"]


class InMemorySubscriberRepository(SubscriberRepository):
    """See the port. The transaction's one lock holds every row, so nothing more is locked here."""

    def __init__(self, tables: Tables, overlay: Overlay) -> None:
        self._by_email = tables.subscribers_by_email
        self._by_subscriber = tables.rounds_by_subscriber
        self._subscribers = overlay.of(tables.subscribers)
        self._rounds = overlay.of(tables.rounds)

    async def claim_batch(self, candidates: Sequence[Subscriber]) -> Sequence[Subscriber]:
        claimed = []
        for candidate in candidates:
            found = await self.find(candidate.newsletter, candidate.email)
            if found is None:
                self._subscribers.put(candidate.id, candidate)
            claimed.append(found or candidate)
        return claimed

    async def get_batch(self, ids: Collection[UUID], *, lock: bool = False) -> dict[UUID, Subscriber]:
        return self._subscribers.get_batch(ids)

    async def find(self, newsletter: UUID, email: EmailAddress) -> Subscriber | None:
        sharing = self._subscribers.where(self._by_email, email.key)
        return next((subscriber for subscriber in sharing if subscriber.newsletter == newsletter), None)

    async def save_batch(self, subscribers: Sequence[Subscriber]) -> None:
        for changed in subscribers:
            self._subscribers.change(changed.id, partial(_rewrite, changed))

    async def sharing_email(self, ids: Collection[UUID]) -> Sequence[Subscriber]:
        keys = {subscriber.email.key for subscriber in self._subscribers.get_batch(ids).values()}
        sharing = [subscriber for key in keys for subscriber in self._subscribers.where(self._by_email, key)]
        return sorted(sharing, key=lambda subscriber: subscriber.id)

    async def exist(self, *, confirmed: bool = False) -> bool:
        return any(not confirmed or found.confirmed_at is not None for found in self._subscribers.values())

    async def count(self, newsletter: UUID, status: Status) -> int:
        wanted = (newsletter, status)
        return sum((subscriber.newsletter, subscriber.status) == wanted for subscriber in self._subscribers.values())

    async def add_rounds(self, rounds: Sequence[Round]) -> None:
        for opened in rounds:
            self._rounds.put(opened.id, opened)

    async def get_round(self, id: UUID) -> Round | None:
        return self._rounds.get(id)

    async def save_round(self, round: Round) -> None:
        self._rounds.change(round.id, lambda found: attrs.evolve(found, state=round.state))

    async def end_rounds(self, subscriber: UUID) -> None:
        for opened in self._rounds.where(self._by_subscriber, subscriber):
            self._rounds.put(opened.id, attrs.evolve(opened, state=RoundState.ENDED))


def _rewrite(changed: Subscriber, found: Subscriber) -> Subscriber:
    """All of ``changed`` but what a subscriber never changes."""
    return attrs.evolve(changed, newsletter=found.newsletter, email=found.email, digest=found.digest)
