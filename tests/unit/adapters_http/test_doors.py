"""Who is asked before a sign-up is taken, and how often that happens."""

import attrs

from adapters_http.forms import Form
from tests.support.doors import StandingClock, door, solution
from tests.support.visitors import Counts
from zero2prod.testing.builders import evidence
from zero2prod_core.domain.challenges import Answer, Challenged
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER
from zero2prod_core.domain.subscriber_names import SubscriberName
from zero2prod_core.domain.subscribers import SignUp

ADA = SignUp(DEFAULT_NEWSLETTER.slug, EmailAddress.parse("ada@example.com"), SubscriberName("Ada"), evidence())


def test_challenges_are_counted_by_what_became_of_them() -> None:
    counts = Counts()
    asking = attrs.evolve(door(Challenged.ALWAYS, StandingClock()), telemetry=counts)
    challenge = asking.asks_of_program(Answer(), ADA)
    assert challenge
    assert asking.asks_of_program(Answer(challenge.text), ADA) == challenge
    assert asking.asks_of_program(Answer(challenge.text, solution(challenge.text)), ADA) is None
    assert asking.asks_of_form(Form.EMPTY, ADA)
    assert counts.events == {"challenges asked": 2, "challenges refused": 1, "challenges answered": 1}


def test_who_is_let_in_unasked_is_not_counted() -> None:
    counts = Counts()
    for whom in (Challenged.OFF, Challenged.SUSPICIOUS):
        assert attrs.evolve(door(whom), telemetry=counts).asks_of_form(Form.EMPTY, ADA) is None
    assert counts.events == {}
