from collections.abc import Collection, Mapping
from uuid import UUID

from psycopg.types.json import Jsonb

from adapters_postgres.repositories import Repository
from adapters_postgres.sql import load
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.letters import Imprint, Letter, LetterKind, LetterState, UncertainPolicy
from zero2prod_core.ports.letters import LetterRepository

SQL = load("letters")


class PostgresLetterRepository(Repository, LetterRepository):
    async def add(self, letter: Letter) -> None:
        await self._count(
            SQL["add"],
            id=letter.id,
            newsletter=letter.newsletter,
            kind=letter.kind.value,
            state=letter.state.value,
            uncertain=letter.uncertain.value,
            issue=letter.issue,
            subject=letter.subject,
            text=letter.text,
            html=letter.html,
            priority=letter.priority,
            dated_at=letter.dated_at,
            pause_reason=letter.pause_reason,
            markdown=letter.markdown,
            imprint=_json(letter.imprint),
        )

    async def ensure(self, letter: Letter) -> None:
        await self._count(
            SQL["ensure"],
            id=letter.id,
            newsletter=letter.newsletter,
            kind=letter.kind.value,
            state=letter.state.value,
            uncertain=letter.uncertain.value,
            priority=letter.priority,
        )

    async def get_batch(self, ids: Collection[UUID], *, lock: bool = False) -> dict[UUID, Letter]:
        rows = await self._rows(SQL["lock_batch" if lock else "get_batch"], ids=list(ids))
        return {found.id: found for found in (_letter(*row) for row in rows)}

    async def save(self, letter: Letter) -> None:
        await self._change(
            SQL["save"],
            id=letter.id,
            state=letter.state.value,
            pause_reason=letter.pause_reason,
            imprint=_json(letter.imprint),
        )


def _letter(
    id_: UUID,
    newsletter: UUID,
    kind: str,
    subject: str | None,
    text: str | None,
    html: str | None,
    state: str,
    uncertain: str,
    issue: UUID | None,
    dated_at: Instant | None,
    pause_reason: str | None,
    markdown: str | None,
    imprint: Mapping[str, str | None] | None,
) -> Letter:
    return Letter(
        id_,
        newsletter,
        LetterKind(kind),
        subject,
        text,
        html,
        LetterState(state),
        UncertainPolicy(uncertain),
        issue,
        dated_at,
        pause_reason,
        markdown,
        _imprint(imprint) if imprint else None,
    )


def _json(imprint: Imprint | None) -> Jsonb | None:
    """E-mail addresses as typed."""
    if imprint is None:
        return None
    return Jsonb(
        {
            "name": imprint.name,
            "sender": imprint.sender.text,
            "reply_to": imprint.reply_to and imprint.reply_to.text,
            "postal_address": imprint.postal_address,
            "mail_domain": imprint.mail_domain,
        }
    )


def _imprint(stored: Mapping[str, str | None]) -> Imprint:
    reply_to = stored["reply_to"]
    return Imprint(
        str(stored["name"]),
        EmailAddress.parse(str(stored["sender"])),
        EmailAddress.parse(reply_to) if reply_to else None,
        stored["postal_address"],
        str(stored["mail_domain"]),
    )
