"""When an issue pauses by itself: too many recipients' servers refuse what it says, or who sends it.

Going on would spoil the sender's reputation with everyone else; a person looks first.
"""

from collections.abc import Sequence

import attrs

WINDOW = 100
MOST_REFUSALS = 20
LEAST_DOMAINS = 3
"""20 of the last 100 are no accident, and three domains are no single server's quirk."""


@attrs.frozen
class Recent:
    """One of a letter's last final outcomes. ``refused``: its server blamed the letter."""

    domain: str
    refused: bool


def is_refused(recent: Sequence[Recent]) -> bool:
    """Whether the last outcomes, at most ``WINDOW`` of them, say to pause."""
    refused = [outcome.domain for outcome in recent[:WINDOW] if outcome.refused]
    return len(refused) >= MOST_REFUSALS and len(set(refused)) >= LEAST_DOMAINS
