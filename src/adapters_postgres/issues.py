from collections.abc import Sequence
from typing import Any
from uuid import UUID

from adapters_postgres.repositories import Repository
from adapters_postgres.sql import load
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.issues import Issue, IssueState, PauseCause
from zero2prod_core.ports.issues import IssueRepository

SQL = load("issues")


class PostgresIssueRepository(Repository, IssueRepository):
    async def add(self, issue: Issue) -> None:
        await self._count(
            SQL["add"],
            newsletter=issue.newsletter,
            letter=issue.letter,
            title=issue.title,
            created_at=issue.created_at,
            **_changeable(issue),
        )

    async def get(self, id: UUID, *, lock: bool = False) -> Issue | None:
        rows = await self._rows(SQL["lock" if lock else "get"], id=id)
        return _issue(*rows[0]) if rows else None

    async def save(self, issue: Issue) -> None:
        await self._change(SQL["save"], **_changeable(issue))

    async def list(self, limit: int, before: UUID | None = None) -> Sequence[Issue]:
        return [_issue(*row) for row in await self._rows(SQL["list"], limit=limit, before=before)]

    async def done(self, states: Sequence[IssueState], limit: int) -> Sequence[Issue]:
        rows = await self._rows(SQL["done"], states=[state.value for state in states], limit=limit)
        return [_issue(*row) for row in rows]


def _changeable(issue: Issue) -> dict[str, Any]:
    """What `save` writes, and the id."""
    return {
        "id": issue.id,
        "state": issue.state.value,
        "audience": issue.audience,
        "published_at": issue.published_at,
        "finished_at": issue.finished_at,
        "pause_reason": issue.pause_reason,
        "pause_cause": issue.pause_cause.value if issue.pause_cause else None,
    }


def _issue(
    id_: UUID,
    newsletter: UUID,
    letter: UUID,
    title: str,
    state: str,
    created_at: Instant,
    audience: int,
    published_at: Instant | None,
    finished_at: Instant | None,
    pause_reason: str | None,
    pause_cause: str | None,
) -> Issue:
    return Issue(
        id_,
        newsletter,
        letter,
        title,
        IssueState(state),
        created_at,
        audience,
        published_at,
        finished_at,
        pause_reason,
        PauseCause(pause_cause) if pause_cause else None,
    )
