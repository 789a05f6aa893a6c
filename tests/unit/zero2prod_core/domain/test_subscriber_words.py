"""Every status and reason has its words."""

import attrs

from zero2prod.testing.builders import later, subscriber
from zero2prod_core.domain.subscriber_words import CAUSES, MEANINGS, REASONS, STATUSES, meaning, standing
from zero2prod_core.domain.subscribers import Status, opens_round
from zero2prod_core.domain.suppressions import LIFTED_BY_CONFIRMING, LIFTED_BY_STAFF, Reason


def test_every_status_has_words_of_its_own() -> None:
    assert set(STATUSES) == set(MEANINGS) == set(Status)
    assert len(set(STATUSES.values())) == len(set(MEANINGS.values())) == len(Status)


def test_a_pause_is_told_of_whoever_would_get_issues() -> None:
    paused = subscriber(paused_until=later(0))
    assert standing(paused) == f"confirmed, paused until {later(0):%Y-%m-%d}"
    assert meaning(paused).startswith("Gets no issue until")
    assert standing(attrs.evolve(paused, status=Status.UNSUBSCRIBED)) == "unsubscribed"
    assert meaning(subscriber()) == MEANINGS[Status.CONFIRMED]


def test_who_may_sign_up_again_is_told_as_the_table_has_it() -> None:
    assert {status for status in Status if "may sign up again" in MEANINGS[status]} == {
        status for status in Status if opens_round(status) and status is not Status.PENDING
    }


def test_who_lifts_a_reason_is_told_as_the_rules_have_it() -> None:
    assert set(REASONS) == set(CAUSES) == set(Reason)
    assert {reason for reason in Reason if "that is confirmed lifts it" in REASONS[reason]} == LIFTED_BY_CONFIRMING
    assert {reason for reason in Reason if "Only you can lift it" in REASONS[reason]} == {
        *LIFTED_BY_STAFF - LIFTED_BY_CONFIRMING
    }
