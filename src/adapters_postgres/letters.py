from collections.abc import Collection
from uuid import UUID

from adapters_postgres.repositories import Repository
from adapters_postgres.sql import load
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.letters import Letter, LetterKind, LetterState, UncertainPolicy
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
        )

    async def get_batch(self, ids: Collection[UUID], *, lock: bool = False) -> dict[UUID, Letter]:
        rows = await self._rows(SQL["lock_batch" if lock else "get_batch"], ids=list(ids))
        return {found.id: found for found in (_letter(*row) for row in rows)}

    async def save(self, letter: Letter) -> None:
        await self._change(SQL["save"], id=letter.id, state=letter.state.value, pause_reason=letter.pause_reason)


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
    )
