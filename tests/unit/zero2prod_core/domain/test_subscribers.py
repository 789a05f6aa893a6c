from itertools import product

import attrs
import pytest
from hypothesis import given
from hypothesis.strategies import lists, sampled_from

from zero2prod.testing.builders import T0, later, newsletter, opened_round, pending_subscriber, sign_up, subscriber
from zero2prod_core.domain.fields import Field, FieldType, Tag
from zero2prod_core.domain.subscriber_names import SubscriberName
from zero2prod_core.domain.subscribers import TRANSITIONS, Event, Status, opens_round
from zero2prod_core.errors import FieldInvalid, FieldMissing, TransitionRefused


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
    pending = pending_subscriber(earlier_status=Status.BOUNCED)
    confirmed = pending.confirmed(opened_round(pending, name=SubscriberName("Ada")), later(9))
    assert (confirmed.status, confirmed.name.text, confirmed.confirmed_at) == (Status.CONFIRMED, "Ada", later(9))
    assert (confirmed.earlier_status, confirmed.subscribed_at) == (None, T0)


def test_confirming_takes_the_answers_of_the_round_and_leaves_others() -> None:
    pending = pending_subscriber(fields={"city": "Bern", "born": "2001-01-01"}, tags=("vip", "art"))
    opened = opened_round(pending, fields={"city": "Graz"}, tags=("art", "music"))
    confirmed = pending.confirmed(opened, later(9))
    assert confirmed.fields == {"city": "Graz", "born": "2001-01-01"}
    assert confirmed.tags == ("vip", "art", "music")


ASKING = newsletter(
    fields=(Field("city", "City", required=True), Field("age", "Age", FieldType.NUMBER)), tags=(Tag("art", "Art"),)
)


def test_a_sign_up_is_checked_against_what_its_newsletter_asks_for() -> None:
    typed = attrs.evolve(sign_up(), fields={"city": " Graz ", "age": "007"}, tags=("art", "art"))
    checked = typed.checked(ASKING)
    assert (checked.fields, checked.tags) == ({"city": "Graz", "age": "7"}, ("art",))
    with pytest.raises(FieldMissing, match=r"^fields\.city: missing"):
        sign_up().checked(ASKING)
    with pytest.raises(FieldInvalid, match=r"^tags: 'golf' is no tag of this newsletter\. Known are art\.$"):
        attrs.evolve(typed, tags=("golf",)).checked(ASKING)


def test_new_answers_replace_those_to_what_is_asked_for_now_and_no_others() -> None:
    before = subscriber(fields={"shoe": "42", "age": "7"}, tags=("art", "golf"))
    after = before.answering(ASKING, {"city": " Graz "}, ())
    assert after == attrs.evolve(before, fields={"shoe": "42", "city": "Graz"}, tags=("golf",))
    assert after.answering(ASKING, {"city": "Graz"}, ("art",)).tags == ("golf", "art")
    assert before.answering(ASKING, {"city": "Graz", "age": "7"}, ("art",)).tags == before.tags
    with pytest.raises(FieldMissing, match=r"^fields\.city: missing"):
        before.answering(ASKING, {}, ())


def test_one_that_is_repeated_keeps_what_still_fits() -> None:
    typed = attrs.evolve(sign_up(), fields={"town": "Graz", "age": "many"}, tags=("golf", "art"))
    kept = attrs.evolve(typed, repeats=opened_round(subscriber()))
    checked = kept.checked(ASKING)
    assert (checked.fields, checked.tags) == ({}, ("art",))


def test_who_complained_stays_so_until_the_staff_lift_it() -> None:
    assert [event for status, event in TRANSITIONS if status is Status.COMPLAINED] == [Event.LIFT]


def test_a_confirmation_mail_follows_unless_they_read_already_or_complained() -> None:
    assert {status for status in Status if not opens_round(status)} == {Status.CONFIRMED, Status.COMPLAINED}
