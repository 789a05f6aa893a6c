"""What a person does about mail that stands still: one sentence or two for each cause, on a page and in a terminal."""

from collections.abc import Mapping
from types import MappingProxyType

from zero2prod_core.domain.breakers import Breaker
from zero2prod_core.domain.deliveries import Scope
from zero2prod_core.domain.issues import Issue, IssueState, PauseCause

PAUSED: Mapping[PauseCause, str] = MappingProxyType(
    {
        PauseCause.PERSON: "Resume it when it is to go on, or cancel it.",
        PauseCause.SENDER: (
            "The relay refuses what comes from us, whoever it is for. Mend what its words name: the newsletter's "
            "sender, or the relay's login and rights. Then resume it; nobody who has the issue gets it again."
        ),
        PauseCause.REFUSALS: (
            "Mail servers of several domains refuse this issue. Look at its words and links, and whether the sender's "
            "domain has SPF and DKIM and is on no block list. Then resume it, or cancel it."
        ),
    }
)

HELD_BACK: Mapping[Scope, str] = MappingProxyType(
    {
        Scope.RELAY: (
            "It is tried again by itself, and nothing is lost meanwhile. If this lasts, look whether the relay runs, "
            "and whether the settings name it."
        ),
        Scope.DOMAIN: (
            "Its readers' mails wait and are tried again by themselves; all others go on. If this lasts for days, set "
            "a lower rate for this domain."
        ),
    }
)


RATED = "A rate is set for how fast mails may go: what it holds back goes by itself, as there is room."
"""While mails of an issue wait."""


def remedy_of(issue: Issue) -> str | None:
    """For an issue that is paused. One that was paused before causes were kept was so through our own fault."""
    if issue.state is not IssueState.PAUSED:
        return None
    return PAUSED[issue.pause_cause or PauseCause.SENDER]


def cause_of(breaker: Breaker) -> str:
    """What is held back, and by whose words."""
    what = "relay" if breaker.key.scope is Scope.RELAY else "domain"
    return f"The {what} {breaker.key.subject} takes no mail: {breaker.reason or 'no answer'}"
