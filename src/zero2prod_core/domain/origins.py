"""Who asks, and from where."""

from enum import StrEnum

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


def system(job: str) -> Origin:
    return Origin(Actor(ActorKind.SYSTEM, job))
