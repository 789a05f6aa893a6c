"""Who asks, and from where."""

from enum import StrEnum
from uuid import UUID

import attrs


class ActorKind(StrEnum):
    VISITOR = "visitor"
    ACCOUNT = "account"
    SYSTEM = "system"
    TERMINAL = "terminal"


@attrs.frozen
class Actor:
    """Whoever caused an action; ``id`` names the account, the job or the terminal's user, and is None for a visitor."""

    kind: ActorKind
    id: str | None = None

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}" if self.id else str(self.kind)


@attrs.frozen
class Origin:
    """An actor with the request that carried the wish; network address and user agent are personal data."""

    actor: Actor
    request_id: str | None = None
    network_address: str | None = None
    user_agent: str | None = None

    def as_account(self, id_: UUID) -> "Origin":
        """The same request, once we know whose it is."""
        return attrs.evolve(self, actor=Actor(ActorKind.ACCOUNT, str(id_)))


def system(job: str) -> Origin:
    return Origin(Actor(ActorKind.SYSTEM, job))
