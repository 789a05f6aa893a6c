from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import attrs
from psycopg.types.json import Jsonb

from adapters_postgres.repositories import Repository
from adapters_postgres.sql import load
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.fields import Field, FieldType, Tag
from zero2prod_core.domain.newsletters import Newsletter, Slug
from zero2prod_core.errors import NewsletterTaken
from zero2prod_core.ports.newsletters import NewsletterRepository

SQL = load("newsletters")


class PostgresNewsletterRepository(Repository, NewsletterRepository):
    async def add(self, newsletter: Newsletter) -> None:
        added = await self._count(SQL["add"], slug=newsletter.slug.text, **_changeable(newsletter))
        if not added:
            raise NewsletterTaken(newsletter.slug.text)

    async def find(self, slugs: Collection[Slug], *, lock: bool = False) -> dict[Slug, Newsletter]:
        rows = await self._rows(SQL["find_and_lock" if lock else "find"], slugs=[slug.text for slug in slugs])
        return {found.slug: found for found in (_newsletter(*row) for row in rows)}

    async def get_batch(self, ids: Collection[UUID]) -> dict[UUID, Newsletter]:
        rows = await self._rows(SQL["get_batch"], ids=list(ids))
        return {found.id: found for found in (_newsletter(*row) for row in rows)}

    async def save(self, newsletter: Newsletter) -> None:
        await self._change(SQL["save"], **_changeable(newsletter))

    async def list(self) -> Sequence[Newsletter]:
        return [_newsletter(*row) for row in await self._rows(SQL["list"])]


def _changeable(newsletter: Newsletter) -> dict[str, Any]:
    """What `save` writes, and the id."""
    return {
        "id": newsletter.id,
        "name": newsletter.name,
        "sender": newsletter.sender and newsletter.sender.text,
        "reply_to": newsletter.reply_to and newsletter.reply_to.text,
        "postal_address": newsletter.postal_address,
        "fields": Jsonb([attrs.asdict(field) for field in newsletter.fields]),
        "tags": Jsonb([attrs.asdict(tag) for tag in newsletter.tags]),
    }


def _newsletter(
    id_: UUID,
    slug: str,
    name: str,
    sender: str | None,
    reply_to: str | None,
    postal_address: str | None,
    fields: Sequence[Mapping[str, Any]],
    tags: Sequence[Mapping[str, Any]],
) -> Newsletter:
    declared = tuple(_field(each) for each in fields)
    mailboxes = _email(sender), _email(reply_to)
    return Newsletter(id_, Slug(slug), name, *mailboxes, postal_address, declared, tuple(Tag(**each) for each in tags))


def _field(stored: Mapping[str, Any]) -> Field:
    return Field(**{**stored, "type": FieldType(stored["type"]), "choices": tuple(stored["choices"])})


def _email(text: str | None) -> EmailAddress | None:
    """Stored as typed: there are few of them, so their keys are made again rather than kept."""
    return EmailAddress.parse(text) if text else None
