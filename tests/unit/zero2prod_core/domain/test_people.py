"""A person's facts, in order, and as data for the person."""

import json
from typing import Any

import attrs
import pytest

from zero2prod.testing.builders import (
    audit_event,
    consent,
    email,
    evidence,
    later,
    new_id,
    newsletter,
    origin,
    subscriber,
    suppression,
)
from zero2prod_core.domain.audit import Action
from zero2prod_core.domain.deliveries import DeliveryState, Reply
from zero2prod_core.domain.fields import Field
from zero2prod_core.domain.letters import LetterKind
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER
from zero2prod_core.domain.origins import Actor, ActorKind
from zero2prod_core.domain.people import (
    Fact,
    FactKind,
    Mailing,
    Person,
    Subscription,
    fact_of_consent,
    fact_of_event,
    fact_of_mail,
    history_of,
    person_as_data,
)
from zero2prod_core.domain.subscribers import Status
from zero2prod_core.domain.suppressions import Reason

STAFF = origin(actor=Actor(ActorKind.ACCOUNT, "7"))


def mailing(reply: Reply | None = None, **changes: Any) -> Mailing:  # noqa: ANN401 - whatever a mailing has
    made = Mailing(new_id(), LetterKind.ISSUE, "News", DeliveryState.FAILED, 2, later(0), later(9), reply)
    return attrs.evolve(made, **changes)


def test_a_consent_tells_its_evidence() -> None:
    fact = fact_of_consent(consent(new_id(), message_id="<a@b>"), DEFAULT_NEWSLETTER)
    assert (fact.kind, fact.what, fact.newsletter) == (FactKind.CONSENT, "requested", DEFAULT_NEWSLETTER)
    assert fact.details["source"] == "form"
    assert fact.details["network_address"] == "192.0.2.1"
    assert fact.details["message_id"] == "<a@b>"


def test_an_event_tells_who_changed_what() -> None:
    event = audit_event(action=Action.SUBSCRIBER_COMPLAINT_LIFTED, origin=STAFF, words="She rang.")
    fact = fact_of_event(event, None)
    assert (fact.what, fact.newsletter) == ("subscriber_complaint_lifted", None)
    assert fact.details["actor"] == "account:7"
    assert fact.details["words"] == "She rang."
    assert fact.details["before_status"] == "pending_confirmation"
    assert fact.details["after_rounds"] == "1"
    assert "after_earlier" not in fact.details


@pytest.mark.parametrize(
    ("reply", "words"),
    [(Reply(550, "no such user"), "550 no such user"), (Reply(None, "lost"), "lost"), (None, None)],
)
def test_a_mail_tells_what_became_of_it(reply: Reply | None, words: str | None) -> None:
    fact = fact_of_mail(mailing(reply), DEFAULT_NEWSLETTER)
    assert (fact.at, fact.what, fact.details.get("reply")) == (later(0), "issue", words)
    assert fact.details["subject"] == "News"
    assert fact.details["settled_at"] == later(9).isoformat()


def test_a_mail_that_waits_has_no_end_yet() -> None:
    waiting = mailing(settled_at=None, subject=None, state=DeliveryState.PENDING)
    assert fact_of_mail(waiting, None).details == {"state": "pending", "attempts": "2"}


def test_history_goes_by_time_and_what_was_agreed_comes_before_what_it_caused() -> None:
    facts = [Fact(later(at), kind, "x", None, {}) for at in (5, 0) for kind in reversed(FactKind)]
    told = [(fact.at, fact.kind) for fact in history_of(facts)]
    assert told == [(later(at), kind) for at in (0, 5) for kind in FactKind]


def test_a_persons_data_name_no_member_of_the_staff() -> None:
    reader = subscriber(tags=("vip",), fields={"city": "Bern"}, paused_until=later(60))
    facts = [fact_of_event(audit_event(origin=STAFF), newsletter()), fact_of_event(audit_event(origin=STAFF), None)]
    noted = attrs.evolve(suppression(reader.email, Reason.MANUAL), note="a wish")
    person = Person(reader.email, [Subscription(reader, DEFAULT_NEWSLETTER)], [noted], facts)
    data = json.loads(json.dumps(person_as_data(person)))
    assert data["email"] == reader.email.text
    (subscription,) = data["subscriptions"]
    assert (subscription["newsletter"], subscription["name"], subscription["tags"]) == ("default", "Ada", ["vip"])
    assert (subscription["fields"], subscription["paused_until"]) == ({"city": "Bern"}, later(60).isoformat())
    assert (subscription["earlier_status"], subscription["confirmed_at"]) == (None, later(0).isoformat())
    assert data["suppressions"] == [{"reason": "manual", "since": later(0).isoformat()}]
    assert [fact["actor"] for fact in data["history"]] == ["account", "account"]
    assert ["newsletter" in fact for fact in data["history"]] == [True, False]


def data_of(person: Person, *, for_staff: bool = False) -> Any:  # noqa: ANN401 - what a program reads
    return json.loads(json.dumps(person_as_data(person, for_staff=for_staff)))


ELSEWHERE = ("network_address", "user_agent", "request_id", "words")


@pytest.mark.parametrize("kind", [ActorKind.ACCOUNT, ActorKind.TERMINAL, ActorKind.SYSTEM])
def test_of_what_others_did_the_person_is_told_what_and_when_and_staff_all_of_it(kind: ActorKind) -> None:
    others = origin(actor=Actor(kind, "7"))
    facts = [
        fact_of_consent(consent(new_id(), evidence=attrs.evolve(evidence(), origin=others)), DEFAULT_NEWSLETTER),
        fact_of_event(audit_event(origin=others, words="She is a nuisance."), None),
    ]
    person = Person(email("ada@example.com"), [], [suppression(email("ada@example.com"), Reason.MANUAL)], facts)
    for told in data_of(person)["history"]:
        assert not set(ELSEWHERE) & set(told)
        assert (told["at"], told["actor"]) == (later(0).isoformat(), kind.value)
    agreed, done = data_of(person, for_staff=True)["history"]
    assert (agreed["network_address"], done["words"], done["actor"]) == ("192.0.2.1", "She is a nuisance.", f"{kind}:7")
    assert "note" in data_of(person, for_staff=True)["suppressions"][0]


def test_what_the_person_did_is_told_with_all_that_is_known_of_it() -> None:
    person = Person(email("ada@example.com"), [], [], [fact_of_consent(consent(new_id()), DEFAULT_NEWSLETTER)])
    (told,) = data_of(person)["history"]
    assert (told["network_address"], told["user_agent"]) == ("192.0.2.1", "A browser")


def test_answers_come_in_the_order_of_the_questions_and_those_to_none_last() -> None:
    asking = newsletter(fields=(Field("shoe", "Shoe"), Field("city", "City")))
    reader = subscriber(fields={"age": "9", "city": "Bern", "shoe": "42"})
    person = Person(reader.email, [Subscription(reader, asking)], [], [])
    assert list(data_of(person)["subscriptions"][0]["fields"]) == ["shoe", "city", "age"]


def test_a_title_has_no_slots_left() -> None:
    title = 'Hi {{ subscriber.name | default: "there" }}, {{ newsletter.name }} for {{ subscriber.fields.city }}'
    fact = fact_of_mail(mailing(subject=title), newsletter(name="Gardens"))
    assert fact.details["subject"] == "Hi there, Gardens for"
    assert fact_of_mail(mailing(subject="{{ subscriber.name }}"), None).details.get("subject") is None


@pytest.mark.parametrize(
    ("statuses", "reasons", "is_held"),
    [
        ([], [], False),
        ([Status.CONFIRMED, Status.BOUNCED, Status.UNSUBSCRIBED], [], False),
        ([Status.CONFIRMED, Status.COMPLAINED], [], True),
        ([], [Reason.ERASURE], False),
        ([], [Reason.ERASURE, Reason.IMPORT], True),
        ([Status.BOUNCED], [Reason.BOUNCE], True),
    ],
)
def test_a_person_is_held_by_what_the_staff_can_lift(
    statuses: list[Status], reasons: list[Reason], *, is_held: bool
) -> None:
    subscriptions = [Subscription(subscriber(status=status), DEFAULT_NEWSLETTER) for status in statuses]
    email = subscriber().email
    assert Person(email, subscriptions, [suppression(email, reason) for reason in reasons], []).is_held == is_held
