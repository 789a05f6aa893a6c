from collections.abc import Collection, Mapping, Sequence
from functools import partial
from uuid import UUID

import attrs

from adapters_memory.overlay import Overlay
from adapters_memory.tables import Tables
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.searches import Wanted
from zero2prod_core.domain.subscribers import Round, RoundState, Status, Subscriber
from zero2prod_core.domain.suppressions import Digest
from zero2prod_core.ports.subscribers import Lapsed, SubscriberRepository

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

    async def of_email(self, email: EmailAddress) -> Sequence[Subscriber]:
        return sorted(self._subscribers.where(self._by_email, email.key), key=lambda subscriber: subscriber.id)

    async def save_batch(self, subscribers: Sequence[Subscriber]) -> None:
        for changed in subscribers:
            self._subscribers.change(changed.id, partial(_rewrite, changed))

    async def sharing_email(self, ids: Collection[UUID]) -> Sequence[Subscriber]:
        keys = {subscriber.email.key for subscriber in self._subscribers.get_batch(ids).values()}
        sharing = [subscriber for key in keys for subscriber in self._subscribers.where(self._by_email, key)]
        return sorted(sharing, key=lambda subscriber: subscriber.id)

    async def browse(self, newsletter: UUID, wanted: Wanted, after: UUID | None, limit: int) -> Sequence[Subscriber]:
        found = [each for each in self._subscribers.values() if each.newsletter == newsletter and _fits(each, wanted)]
        last = self._subscribers.get(after) if after is not None else None
        if wanted.prefix:
            found.sort(key=partial(_place, wanted.prefix))
            behind = [
                each for each in found if last is None or _place(wanted.prefix, each) > _place(wanted.prefix, last)
            ]
        else:
            found.sort(key=lambda each: each.id, reverse=True)
            behind = [each for each in found if after is None or each.id < after]
        return behind[:limit]

    async def remove_batch(self, ids: Collection[UUID]) -> Sequence[UUID]:
        rounds = [opened.id for id_ in ids for opened in self._rounds.where(self._by_subscriber, id_)]
        for id_ in ids:
            self._subscribers.remove(id_)
        for id_ in rounds:
            self._rounds.remove(id_)
        return rounds

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

    async def last_round(self, subscriber: UUID) -> Round | None:
        rounds = self._rounds.where(self._by_subscriber, subscriber)
        return max(rounds, key=lambda opened: (opened.opened_at, opened.id), default=None)

    async def lapse(self, opened_before: Instant, limit: int) -> Lapsed:
        def lapses(opened: Round) -> bool:
            return opened.state is RoundState.OPEN and opened.opened_at < opened_before

        over = sorted((each for each in self._rounds.values() if lapses(each)), key=lambda each: each.opened_at)[:limit]
        concerned = {each.subscriber for each in over}
        for opened in filter(
            lapses, (each for id_ in concerned for each in self._rounds.where(self._by_subscriber, id_))
        ):
            self._rounds.put(opened.id, attrs.evolve(opened, state=RoundState.ENDED))
        left = [self._subscribers.get(id_) for id_ in sorted(concerned) if not self._has_open_round(id_)]
        pending = [found for found in left if found is not None and found.status is Status.PENDING]
        returning = [(found, found.earlier_status) for found in pending if found.earlier_status is not None]
        for found, earlier in returning:
            self._subscribers.put(found.id, attrs.evolve(found, status=earlier, earlier_status=None))
        removed = [found.id for found in pending if found.earlier_status is None]
        return Lapsed([found.id for found, _ in returning], removed, await self.remove_batch(removed))

    def _has_open_round(self, subscriber: UUID) -> bool:
        rounds = self._rounds.where(self._by_subscriber, subscriber)
        return any(opened.state is RoundState.OPEN for opened in rounds)

    async def under_keys(self, key_ids: Collection[str], limit: int) -> Sequence[Subscriber]:
        return [found for found in self._subscribers.values() if found.digest.key_id in key_ids][:limit]

    async def save_digests(self, digests: Mapping[UUID, Digest]) -> None:
        for id_, digest in digests.items():
            self._subscribers.change(id_, partial(_rekeyed, digest))

    async def adopt_digests(self, digests: Sequence[Sequence[Digest]]) -> None:
        newest = {old: group[0] for group in digests for old in group[1:]}
        for found in self._subscribers.values():
            if found.digest in newest:
                self._subscribers.put(found.id, _rekeyed(newest[found.digest], found))

    async def end_rounds(self, subscribers: Collection[UUID]) -> None:
        for opened in [each for id_ in subscribers for each in self._rounds.where(self._by_subscriber, id_)]:
            self._rounds.put(opened.id, attrs.evolve(opened, state=RoundState.ENDED))


def _fits(subscriber: Subscriber, wanted: Wanted) -> bool:
    keys = subscriber.email.key, subscriber.name.key
    return (
        any(key.startswith(wanted.prefix) for key in keys)
        and wanted.domain in {"", subscriber.email.domain}
        and wanted.status in {None, subscriber.status}
        and (not wanted.tag or wanted.tag in subscriber.tags)
    )


def _place(prefix: str, subscriber: Subscriber) -> tuple[bool, str, UUID]:
    """Where a prefix finds a subscriber: by the e-mail address before by the name."""
    by_name = not subscriber.email.key.startswith(prefix)
    return by_name, subscriber.name.key if by_name else subscriber.email.key, subscriber.id


def _rekeyed(digest: Digest, found: Subscriber) -> Subscriber:
    return attrs.evolve(found, digest=digest)


def _rewrite(changed: Subscriber, found: Subscriber) -> Subscriber:
    """All of ``changed`` but what a subscriber never changes."""
    return attrs.evolve(changed, newsletter=found.newsletter, email=found.email, digest=found.digest)
