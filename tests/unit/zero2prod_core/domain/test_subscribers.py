from itertools import product

import pytest
from hypothesis import given
from hypothesis.strategies import lists, sampled_from

from zero2prod.testing.builders import T0, later, pending_subscriber, subscriber
from zero2prod_core.domain.subscriber_names import SubscriberName
from zero2prod_core.domain.subscribers import TRANSITIONS, Event, Status, opens_round
from zero2prod_core.errors import TransitionRefused


@pytest.mark.parametrize(("status", "event"), [*product(Status, Event)])
def test_the_table_decides_and_what_it_does_not_list_is_refused(status: Status, event: Event) -> None:
    before = subscriber(status=status)
    if (status, event) in TRANSITIONS:
        assert before.on(event).status is TRANSITIONS[status, event]
        return
    with pytest.raises(TransitionRefused, match=f"cannot {event} while {status}") as refused:
        before.on(event)
    assert refused.value.fields == {"state": status, "event": event}


@given(lists(sampled_from(Event), max_size=8))
def test_only_a_pending_subscriber_has_an_earlier_status_and_it_is_never_pending(events: list[Event]) -> None:
    changed = pending_subscriber()
    for event in events:
        if (changed.status, event) in TRANSITIONS:
            changed = changed.on(event)
        assert changed.earlier_status is not Status.PENDING
        assert changed.earlier_status is None or changed.status is Status.PENDING


def test_who_signs_up_again_remembers_what_they_were_however_often() -> None:
    left = subscriber().on(Event.UNSUBSCRIBE)
    again = left.on(Event.SIGN_UP).on(Event.SIGN_UP)
    assert (again.status, again.earlier_status) == (Status.PENDING, Status.UNSUBSCRIBED)


def test_confirming_takes_the_name_of_the_round() -> None:
    confirmed = pending_subscriber(earlier_status=Status.BOUNCED).confirmed(SubscriberName("Ada"), later(9))
    assert (confirmed.status, confirmed.name.text, confirmed.confirmed_at) == (Status.CONFIRMED, "Ada", later(9))
    assert (confirmed.earlier_status, confirmed.subscribed_at) == (None, T0)


def test_who_complained_stays_so() -> None:
    assert not [event for status, event in TRANSITIONS if status is Status.COMPLAINED]


def test_a_confirmation_mail_follows_unless_they_read_already_or_complained() -> None:
    assert {status for status in Status if not opens_round(status)} == {Status.CONFIRMED, Status.COMPLAINED}
