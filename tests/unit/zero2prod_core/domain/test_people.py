"""A person's facts, in order, and as data for the person."""

import json
from typing import Any

import attrs
import pytest

from zero2prod.testing.builders import audit_event, consent, later, new_id, newsletter, origin, subscriber, suppression
from zero2prod_core.domain.audit import Action
from zero2prod_core.domain.deliveries import DeliveryState, Reply
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
    assert data["suppressions"] == [{"reason": "manual", "since": later(0).isoformat(), "note": "a wish"}]
    assert [fact["actor"] for fact in data["history"]] == ["account", "account"]
    assert ["newsletter" in fact for fact in data["history"]] == [True, False]
