"""What to do about mail that stands still."""

import attrs
import pytest

from zero2prod.testing.builders import T0, new_id
from zero2prod_core.domain.breakers import Breaker, BreakerKey
from zero2prod_core.domain.deliveries import Scope
from zero2prod_core.domain.issues import Issue, IssueState, PauseCause
from zero2prod_core.domain.remedies import HELD_BACK, PAUSED, cause_of, remedy_of

PAUSED_ISSUE = Issue(new_id(), new_id(), new_id(), "News", IssueState.PAUSED, T0)


@pytest.mark.parametrize("cause", PauseCause)
def test_every_cause_of_a_pause_has_a_remedy(cause: PauseCause) -> None:
    assert remedy_of(attrs.evolve(PAUSED_ISSUE, pause_cause=cause)) == PAUSED[cause]
    assert "esume it" in PAUSED[cause]


def test_a_pause_from_before_causes_were_kept_was_our_own_fault() -> None:
    assert remedy_of(PAUSED_ISSUE) == PAUSED[PauseCause.SENDER]


def test_what_goes_on_needs_none() -> None:
    assert remedy_of(attrs.evolve(PAUSED_ISSUE, state=IssueState.SENDING)) is None


@pytest.mark.parametrize(
    ("scope", "reason", "words"),
    [
        (Scope.RELAY, "421 busy", "The relay here takes no mail: 421 busy"),
        (Scope.DOMAIN, "", "The domain here takes no mail: no answer"),
    ],
)
def test_what_is_held_back_is_named(scope: Scope, reason: str, words: str) -> None:
    assert cause_of(Breaker(BreakerKey(scope, "here"), T0, 1, reason)) == words
    assert HELD_BACK[scope]
