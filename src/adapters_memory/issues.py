from collections.abc import Sequence
from uuid import UUID

import attrs

from adapters_memory.delivery_rows import DeliveryRows
from adapters_memory.overlay import Overlay
from adapters_memory.tables import Tables
from zero2prod_core.domain.deliveries import UNFINISHED, DeliveryState
from zero2prod_core.domain.issues import Issue, IssueState
from zero2prod_core.domain.letters import UncertainPolicy
from zero2prod_core.ports.issues import IssueRepository

__all__ = ["InMemoryIssueRepository"]


class InMemoryIssueRepository(IssueRepository):
    def __init__(self, tables: Tables, overlay: Overlay) -> None:
        self._issues = overlay.of(tables.issues)
        self._letters = overlay.of(tables.letters)
        self._deliveries = DeliveryRows(tables.deliveries, overlay)

    async def add(self, issue: Issue) -> None:
        self._issues.put(issue.id, issue)

    async def get(self, id: UUID, *, lock: bool = False) -> Issue | None:
        return self._issues.get(id)

    async def save(self, issue: Issue) -> None:
        self._issues.change(issue.id, lambda found: _rewrite(issue, found))

    async def list(self, limit: int, before: UUID | None = None) -> Sequence[Issue]:
        older = [issue for issue in self._issues.values() if before is None or issue.id < before]
        return sorted(older, key=lambda issue: issue.id, reverse=True)[:limit]

    async def done(self, states: Sequence[IssueState], limit: int) -> Sequence[Issue]:
        return [issue for issue in self._issues.values() if issue.state in states and self._is_done(issue)][:limit]

    def _is_done(self, issue: Issue) -> bool:
        letter = self._letters.get(issue.letter)
        resends = letter is not None and letter.uncertain is UncertainPolicy.RESEND
        unfinished = UNFINISHED | {DeliveryState.UNCERTAIN} if resends else UNFINISHED
        return unfinished.isdisjoint(self._deliveries.sums(issue.letter))


def _rewrite(changed: Issue, found: Issue) -> Issue:
    """All of ``changed`` but what an issue never changes."""
    return attrs.evolve(
        changed,
        newsletter=found.newsletter,
        letter=found.letter,
        title=found.title,
        created_at=found.created_at,
    )
