from datetime import timedelta
from itertools import pairwise

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zero2prod.testing.builders import T0, new_id
from zero2prod_core.domain.breakers import (
    TERMS,
    Breaker,
    BreakerKey,
    failure_of,
    is_answer,
    tripped,
)
from zero2prod_core.domain.deliveries import (
    Deferred,
    DeliveryKey,
    Outcome,
    Rejected,
    Reply,
    Report,
    Scope,
    SenderFault,
    Sent,
    Throttled,
    Uncertain,
)

RELAY, DOMAIN = BreakerKey(Scope.RELAY, "relay"), BreakerKey(Scope.DOMAIN, "example.com")
KEYS = st.sampled_from([RELAY, DOMAIN])
WORDS, SILENCE = Reply(451, "4.3.2 later"), Reply(None, "connection lost")
MICROSECOND = timedelta(microseconds=1)
A_WHILE = timedelta(seconds=30)


class TestTripping:
    @pytest.mark.parametrize("key", [RELAY, DOMAIN], ids=["relay", "domain"])
    def test_the_first_trip_lasts_as_its_scope_says_and_keeps_the_servers_words(self, key: BreakerKey) -> None:
        assert tripped(None, key, "4.3.2 later", T0) == Breaker(key, T0 + TERMS[key.scope].first, 1, "4.3.2 later")

    @given(KEYS, st.integers(0, 500))
    def test_each_further_one_lasts_twice_as_long_up_to_the_longest(self, key: BreakerKey, times: int) -> None:
        now, breaker, lasting = T0, None, list[timedelta]()
        for _ in range(times):
            breaker = tripped(breaker, key, "no", now)
            lasting.append(breaker.open_until - now)
            now = breaker.open_until
        terms = TERMS[key.scope]
        assert lasting[:1] == [terms.first][:times]
        assert all(longer == min(2 * shorter, terms.longest) for shorter, longer in pairwise(lasting))

    @given(KEYS, st.integers(1, 9))
    def test_what_fails_while_it_is_open_was_on_its_way_and_does_not_count(
        self, key: BreakerKey, failures: int
    ) -> None:
        open_ = Breaker(key, T0 + MICROSECOND, failures, "first")
        assert tripped(open_, key, "second", T0) == open_

    @pytest.mark.parametrize("after", [timedelta(0), A_WHILE - MICROSECOND, A_WHILE])
    def test_a_mail_that_was_tried_and_failed_opens_it_for_longer(self, after: timedelta) -> None:
        probed = tripped(None, DOMAIN, "first", T0).probed(T0 + A_WHILE)
        again = tripped(probed, DOMAIN, "second", T0 + after)
        assert again == Breaker(DOMAIN, T0 + after + 2 * TERMS[Scope.DOMAIN].first, 2, "second")

    def test_it_is_open_until_its_end(self) -> None:
        breaker = tripped(None, RELAY, "no", T0)
        assert breaker.is_open(breaker.open_until - MICROSECOND)
        assert not breaker.is_open(breaker.open_until)

    def test_while_one_worker_tries_it_is_open_for_the_others(self) -> None:
        breaker = tripped(None, RELAY, "no", T0)
        probed = breaker.probed(breaker.open_until + A_WHILE)
        assert probed == attrs.evolve(breaker, open_until=breaker.open_until + A_WHILE, probing=True)
        assert probed.is_open(breaker.open_until)

    @pytest.mark.parametrize("scope", list(Scope))
    def test_there_are_terms_for_every_scope(self, scope: Scope) -> None:
        terms = TERMS[scope]
        assert terms.probes > 0
        assert timedelta(0) < terms.first < terms.longest


@pytest.mark.parametrize(
    ("outcome", "of_relay", "of_domain"),
    [
        (Sent(Reply(250, "ok")), True, True),
        (Rejected(Reply(550, "5.1.1 no such user")), True, True),
        (Rejected(Reply(None, "too large for the relay")), False, False),
        (Deferred(Reply(450, "busy")), True, False),
        (Deferred(SILENCE), False, False),
        (Throttled(WORDS, Scope.RELAY), False, False),
        (Throttled(WORDS, Scope.DOMAIN), False, False),
        (SenderFault(Reply(530, "log in first")), False, False),
        (Uncertain(SILENCE), False, False),
    ],
)
def test_what_shows_that_mail_is_taken_again(outcome: Outcome, *, of_relay: bool, of_domain: bool) -> None:
    assert (is_answer(outcome, Scope.RELAY), is_answer(outcome, Scope.DOMAIN)) == (of_relay, of_domain)


@pytest.mark.parametrize(
    ("outcome", "key"),
    [
        (Throttled(WORDS, Scope.RELAY), RELAY),
        (Throttled(WORDS, Scope.DOMAIN), DOMAIN),
        (Sent(WORDS), None),
        (Deferred(SILENCE), None),
        (SenderFault(WORDS), None),
        (Uncertain(SILENCE), None),
    ],
)
def test_what_trips_which_breaker(outcome: Outcome, key: BreakerKey | None) -> None:
    report = Report(DeliveryKey(new_id(), new_id()), new_id(), 1, outcome, "example.com")
    assert failure_of(report, "relay") == key
