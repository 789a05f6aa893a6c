from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from adapters_postgres.repositories import Repository
from adapters_postgres.sql import load
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.subscriber_names import SubscriberName
from zero2prod_core.domain.subscribers import Round, RoundState, Status, Subscriber
from zero2prod_core.domain.suppressions import Digest
from zero2prod_core.ports.subscribers import SubscriberRepository

SQL = load("subscribers")


class PostgresSubscriberRepository(Repository, SubscriberRepository):
    async def claim_batch(self, candidates: Sequence[Subscriber]) -> Sequence[Subscriber]:
        claimed: dict[tuple[UUID, str], Subscriber] = {}
        missing = candidates
        # Once, or twice where a row that was in the way is removed by another transaction before it could be locked.
        while missing:
            added = await self._add(missing)
            claimed |= {_key(candidate): candidate for candidate in missing if candidate.id in added}
            claimed |= await self._lock([candidate for candidate in missing if candidate.id not in added])
            missing = [candidate for candidate in missing if _key(candidate) not in claimed]
        return [claimed[_key(candidate)] for candidate in candidates]

    async def get_batch(self, ids: Collection[UUID], *, lock: bool = False) -> dict[UUID, Subscriber]:
        rows = await self._rows(SQL["lock_by_id" if lock else "get_batch"], ids=list(ids))
        return {found.id: found for found in (_subscriber(*row) for row in rows)}

    async def find(self, newsletter: UUID, email: EmailAddress) -> Subscriber | None:
        rows = await self._rows(SQL["find"], newsletter=newsletter, email_key=email.key)
        return _subscriber(*rows[0]) if rows else None

    async def save_batch(self, subscribers: Sequence[Subscriber]) -> None:
        ids = [each.id for each in subscribers]
        await self._change(SQL["save"], rows=len(ids), ids=ids, **_changeable(subscribers))

    async def sharing_email(self, ids: Collection[UUID]) -> Sequence[Subscriber]:
        rows = await self._rows(SQL["lock_sharing_email"], ids=list(ids))
        return sorted((_subscriber(*row) for row in rows), key=lambda subscriber: subscriber.id)

    async def exist(self, *, confirmed: bool = False) -> bool:
        ((found,),) = await self._rows(SQL["exist_confirmed" if confirmed else "exist"])
        return bool(found)

    async def count(self, newsletter: UUID, status: Status) -> int:
        rows = await self._rows(SQL["count"], newsletter=newsletter, status=status.value)
        return int(rows[0][0])

    async def add_rounds(self, rounds: Sequence[Round]) -> None:
        await self._count(
            SQL["add_rounds"],
            ids=[each.id for each in rounds],
            subscribers=[each.subscriber for each in rounds],
            names=[each.name.text for each in rounds],
            sources=[each.source for each in rounds],
            states=[each.state.value for each in rounds],
            opened_ats=[each.opened_at for each in rounds],
        )

    async def get_round(self, id: UUID) -> Round | None:
        rows = await self._rows(SQL["get_round"], id=id)
        return _round(*rows[0]) if rows else None

    async def save_round(self, round: Round) -> None:
        await self._change(SQL["save_round"], id=round.id, state=round.state.value)

    async def end_rounds(self, subscriber: UUID) -> None:
        await self._count(SQL["end_rounds"], subscriber=subscriber)

    async def _add(self, candidates: Sequence[Subscriber]) -> set[UUID]:
        """Insert those whose e-mail address is free, waiting for whoever is just inserting it; the ids of new rows."""
        rows = await self._rows(
            SQL["add"],
            ids=[each.id for each in candidates],
            newsletters=[each.newsletter for each in candidates],
            emails=[each.email.text for each in candidates],
            email_keys=[each.email.key for each in candidates],
            email_domains=[each.email.domain for each in candidates],
            email_digests=[each.digest.value for each in candidates],
            email_digest_keys=[each.digest.key_id for each in candidates],
            **_changeable(candidates),
        )
        return {id for (id,) in rows}

    async def _lock(self, candidates: Sequence[Subscriber]) -> dict[tuple[UUID, str], Subscriber]:
        """The rows that were there before, found by a statement of its own: they may be younger than the last one."""
        if not candidates:
            return {}
        rows = await self._rows(
            SQL["lock_by_email"],
            newsletters=[each.newsletter for each in candidates],
            email_keys=[each.email.key for each in candidates],
        )
        return {_key(found): found for found in (_subscriber(*row) for row in rows)}


def _key(subscriber: Subscriber) -> tuple[UUID, str]:
    return subscriber.newsletter, subscriber.email.key


def _changeable(subscribers: Sequence[Subscriber]) -> dict[str, list[Any]]:
    """Columns that `save_batch` writes. Lists of lists are JSON: ``unnest`` would flatten an array of arrays."""
    return {
        "names": [each.name.text for each in subscribers],
        "statuses": [each.status.value for each in subscribers],
        "earlier_statuses": [each.earlier_status and each.earlier_status.value for each in subscribers],
        "subscribed_ats": [each.subscribed_at for each in subscribers],
        "confirmed_ats": [each.confirmed_at for each in subscribers],
        "paused_untils": [each.paused_until for each in subscribers],
        "fields": [Jsonb(dict(each.fields)) for each in subscribers],
        "tags": [Jsonb(each.tags) for each in subscribers],
    }


def _subscriber(
    id_: UUID,
    newsletter: UUID,
    email: str,
    email_key: str,
    digest_key: str,
    digest: bytes,
    name: str,
    status: str,
    subscribed_at: Instant,
    earlier_status: str | None,
    confirmed_at: Instant | None,
    paused_until: Instant | None,
    fields: Mapping[str, str],
    tags: list[str],
) -> Subscriber:
    return Subscriber(
        id_,
        newsletter,
        EmailAddress(email, email_key),
        Digest(digest_key, digest),
        SubscriberName(name),
        Status(status),
        subscribed_at,
        Status(earlier_status) if earlier_status else None,
        confirmed_at,
        paused_until,
        fields,
        tuple(tags),
    )


def _round(id_: UUID, subscriber: UUID, name: str, source: str, opened_at: Instant, state: str) -> Round:
    return Round(id_, subscriber, SubscriberName(name), source, opened_at, RoundState(state))
