from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from adapters_postgres.browsing import Browsing
from adapters_postgres.repositories import Repository
from adapters_postgres.sql import load
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.searches import Wanted
from zero2prod_core.domain.subscriber_names import SubscriberName
from zero2prod_core.domain.subscribers import Round, RoundState, Status, Subscriber
from zero2prod_core.domain.suppressions import Digest
from zero2prod_core.ports.subscribers import Lapsed, SubscriberRepository

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

    async def of_email(self, email: EmailAddress) -> Sequence[Subscriber]:
        return [_subscriber(*row) for row in await self._rows(SQL["of_email"], email_key=email.key)]

    async def save_batch(self, subscribers: Sequence[Subscriber]) -> None:
        ids = [each.id for each in subscribers]
        await self._change(SQL["save"], rows=len(ids), ids=ids, **_changeable(subscribers))

    async def sharing_email(self, ids: Collection[UUID]) -> Sequence[Subscriber]:
        rows = await self._rows(SQL["lock_sharing_email"], ids=list(ids))
        return sorted((_subscriber(*row) for row in rows), key=lambda subscriber: subscriber.id)

    async def browse(self, newsletter: UUID, wanted: Wanted, after: UUID | None, limit: int) -> Sequence[Subscriber]:
        rows = await Browsing(self._connection, newsletter, wanted).rows(after, limit)
        return [_subscriber(*row) for row in rows]

    async def remove_batch(self, ids: Collection[UUID]) -> Sequence[UUID]:
        rounds = await self._rows(SQL["rounds_of"], ids=list(ids))
        await self._count(SQL["remove"], ids=list(ids))
        return [id_ for (id_,) in rounds]

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
            fields=[Jsonb(dict(each.fields)) for each in rounds],
            tags=[Jsonb(each.tags) for each in rounds],
        )

    async def get_round(self, id: UUID) -> Round | None:
        rows = await self._rows(SQL["get_round"], id=id)
        return _round(*rows[0]) if rows else None

    async def save_round(self, round: Round) -> None:
        await self._change(SQL["save_round"], id=round.id, state=round.state.value)

    async def last_round(self, subscriber: UUID) -> Round | None:
        rows = await self._rows(SQL["last_round"], subscriber=subscriber)
        return _round(*rows[0]) if rows else None

    async def lapse(self, opened_before: Instant, limit: int) -> Lapsed:
        rows = await self._rows(SQL["lock_lapsing"], opened_before=opened_before, limit=limit)
        left = await self._rows(SQL["lapse"], ids=[id_ for (id_,) in rows], opened_before=opened_before)
        removed = [id_ for id_, had_another in left if not had_another]
        rounds = await self.remove_batch(removed)
        return Lapsed([id_ for id_, had_another in left if had_another], removed, rounds)

    async def under_keys(self, key_ids: Collection[str], limit: int) -> Sequence[Subscriber]:
        await self._rows(SQL["rewrite_alone"])
        rows = await self._rows(SQL["lock_under_keys"], key_ids=list(key_ids), limit=limit)
        return [_subscriber(*row) for row in rows]

    async def save_digests(self, digests: Mapping[UUID, Digest]) -> None:
        if not digests:
            return
        await self._change(
            SQL["save_digests"],
            rows=len(digests),
            ids=list(digests),
            key_ids=[each.key_id for each in digests.values()],
            digests=[each.value for each in digests.values()],
        )

    async def adopt_digests(self, digests: Sequence[Sequence[Digest]]) -> None:
        pairs = [(old, newest) for newest, *others in digests for old in others]
        await self._rows(SQL["rewrite_alone"])
        await self._count(
            SQL["adopt_digests"],
            key_ids=[old.key_id for old, _ in pairs],
            digests=[old.value for old, _ in pairs],
            new_key_ids=[newest.key_id for _, newest in pairs],
            new_digests=[newest.value for _, newest in pairs],
        )

    async def end_rounds(self, subscribers: Collection[UUID]) -> None:
        await self._count(SQL["end_rounds"], subscribers=list(subscribers))

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
        "name_keys": [each.name.key for each in subscribers],
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


def _round(
    id_: UUID,
    subscriber: UUID,
    name: str,
    source: str,
    opened_at: Instant,
    state: str,
    fields: Mapping[str, str],
    tags: list[str],
) -> Round:
    return Round(id_, subscriber, SubscriberName(name), source, opened_at, RoundState(state), fields, tuple(tags))
