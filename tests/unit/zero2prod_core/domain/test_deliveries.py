from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis.strategies import floats, integers, none, text

from zero2prod.testing.builders import KEY, new_id
from zero2prod_core.domain.deliveries import (
    MAC_DIGITS,
    MOST_ATTEMPTS,
    PAUSES,
    RESEND_AFTER,
    RETRY_SCHEDULE,
    TRANSITIONS,
    UNFINISHED,
    Deferred,
    DeliveryKey,
    DeliveryState,
    Outcome,
    Rejected,
    Reply,
    Report,
    Scope,
    SenderFault,
    Sent,
    Throttled,
    Uncertain,
    message_id,
    retry_in,
    rule,
)
from zero2prod_core.domain.keys import Key

CHANCE = floats(0, 1, exclude_max=True)
REPLY = Reply(450, "later")
NOW = timedelta(0)


class TestTransitions:
    def test_every_state_has_its_row(self) -> None:
        assert set(TRANSITIONS) == set(DeliveryState)

    def test_what_is_over_stays_so_unless_a_person_or_a_late_answer_says_otherwise(self) -> None:
        assert {state for state in DeliveryState if not TRANSITIONS[state]} == {
            DeliveryState.SENT,
            DeliveryState.SUPPRESSED,
            DeliveryState.CANCELLED,
        }
        assert TRANSITIONS[DeliveryState.UNCERTAIN] == {DeliveryState.PENDING, DeliveryState.SENT}

    def test_no_mail_is_sent_without_a_mark(self) -> None:
        ways = {state for state in DeliveryState if DeliveryState.SENT in TRANSITIONS[state]}
        assert ways == {DeliveryState.ATTEMPTING, DeliveryState.UNCERTAIN}
        assert {state for state in DeliveryState if DeliveryState.ATTEMPTING in TRANSITIONS[state]} == {
            DeliveryState.LEASED
        }

    def test_what_is_unfinished_can_still_end(self) -> None:
        ended = set(DeliveryState) - UNFINISHED
        assert all(TRANSITIONS[state] & ended for state in UNFINISHED)


class TestRetries:
    @given(integers(1, 99), CHANCE)
    def test_waits_lie_within_a_fifth_of_the_schedule_whose_last_step_repeats(
        self, attempt: int, chance: float
    ) -> None:
        step = RETRY_SCHEDULE[min(attempt, 5) - 1]
        assert step * 0.8 <= retry_in(attempt, chance) <= step * 1.2

    def test_waits_grow(self) -> None:
        waits = [retry_in(attempt, 0.5) for attempt in range(1, 8)]
        assert waits[:5] == list(RETRY_SCHEDULE)
        assert all(earlier <= later for earlier, later in pairwise(waits))


class TestRulings:
    @pytest.mark.parametrize(
        ("outcome", "state", "attempts", "wait"),
        [
            (Sent(REPLY), DeliveryState.SENT, 3, NOW),
            (Rejected(REPLY), DeliveryState.FAILED, 3, NOW),
            (Rejected(REPLY, suppress=True), DeliveryState.FAILED, 3, NOW),
            (Uncertain(REPLY), DeliveryState.UNCERTAIN, 3, timedelta(minutes=45)),
            (Deferred(REPLY), DeliveryState.DEFERRED, 3, timedelta(minutes=45)),
            (Throttled(REPLY, Scope.RELAY), DeliveryState.PENDING, 2, PAUSES[Scope.RELAY] * 1.5),
            (Throttled(REPLY, Scope.DOMAIN), DeliveryState.PENDING, 2, PAUSES[Scope.DOMAIN] * 1.5),
            (SenderFault(REPLY), DeliveryState.PENDING, 2, PAUSES[Scope.RELAY] * 1.5),
        ],
    )
    def test_each_outcome_has_its_consequence(
        self, outcome: Outcome, state: DeliveryState, attempts: int, wait: timedelta
    ) -> None:
        report = Report(DeliveryKey(new_id(), new_id()), new_id(), 3, outcome, "example.com")
        ruling = rule(report, 0.5)
        assert (ruling.state, ruling.attempts, ruling.retry_in) == (state, attempts, wait)
        assert (ruling.key, ruling.lease, ruling.attempt) == (report.key, report.lease, 3)
        assert ruling.reply is REPLY

    def test_a_senders_fault_in_a_letter_that_is_no_issues_is_put_off_by_the_schedule(self) -> None:
        report = Report(DeliveryKey(new_id(), new_id(), new_id()), new_id(), 1, SenderFault(REPLY), "example.com")
        ruling = rule(report, 0.5)
        assert (ruling.state, ruling.attempts) == (DeliveryState.DEFERRED, 1)
        assert (ruling.retry_in, ruling.give_up_in) == (RETRY_SCHEDULE[0], None)

    @pytest.mark.parametrize("outcome", [Sent(REPLY), Uncertain(REPLY), Deferred(REPLY), Rejected(REPLY)])
    def test_an_issues_mail_is_given_up_so_long_after_its_first_attempt(self, outcome: Outcome) -> None:
        first, second = (
            Report(DeliveryKey(new_id(), new_id()), new_id(), attempt, outcome, "example.com") for attempt in (1, 2)
        )
        patience = timedelta(hours=7)
        assert rule(first, 0.5, give_up_after=patience).give_up_in == patience
        assert rule(second, 0.5, give_up_after=patience).give_up_in is None

    @pytest.mark.parametrize("outcome", [Throttled(REPLY, Scope.RELAY), SenderFault(REPLY)])
    def test_what_was_not_tried_in_earnest_starts_no_time(self, outcome: Outcome) -> None:
        report = Report(DeliveryKey(new_id(), new_id()), new_id(), 1, outcome, "example.com")
        assert rule(report, 0.5).give_up_in is None

    def test_a_mail_that_is_no_issues_says_itself_until_when_it_is_of_use(self) -> None:
        report = Report(DeliveryKey(new_id(), new_id(), new_id()), new_id(), 1, Deferred(REPLY), "example.com")
        assert rule(report, 0.5).give_up_in is None

    def test_counting_attempts_has_an_end(self) -> None:
        report = Report(DeliveryKey(new_id(), new_id()), new_id(), MOST_ATTEMPTS + 1, Deferred(REPLY), "example.com")
        assert rule(report, 0.5).attempts == MOST_ATTEMPTS

    @given(integers(1, 99), CHANCE)
    def test_a_late_answer_has_its_time_before_an_uncertain_mail_is_sent_again(
        self, attempt: int, chance: float
    ) -> None:
        report = Report(DeliveryKey(new_id(), new_id()), new_id(), attempt, Uncertain(REPLY), "example.com")
        assert rule(report, chance).retry_in >= RESEND_AFTER

    @given(CHANCE)
    def test_every_outcome_leads_where_the_table_allows(self, chance: float) -> None:
        throttled = [Throttled(REPLY, scope) for scope in Scope]
        outcomes: list[Outcome] = [Sent(REPLY), Rejected(REPLY), Uncertain(REPLY), Deferred(REPLY), SenderFault(REPLY)]
        for outcome in outcomes + throttled:
            ruling = rule(Report(DeliveryKey(new_id(), new_id()), new_id(), 1, outcome, "example.com"), chance)
            assert ruling.state in TRANSITIONS[DeliveryState.ATTEMPTING]
            assert ruling.retry_in >= NOW


class TestReplies:
    @given(none() | integers(200, 599), text(max_size=700))
    def test_a_reply_is_bounded_and_visible(self, code: int | None, words: str) -> None:
        reply = Reply.of(code, words)
        assert reply.code == code
        assert len(reply.text) <= Reply.LONGEST
        assert reply.text.isprintable()

    def test_line_breaks_become_spaces(self) -> None:
        assert Reply.of(550, "5.1.1 no\r\nsuch\x1b user ").text == "5.1.1 no  such  user"


class TestMessageIds:
    def test_readable_ids_lead_to_the_row(self) -> None:
        key = DeliveryKey(new_id(), new_id(), new_id())
        local, _, domain = message_id(KEY, key, "example.org").strip("<>").partition("@")
        *ids, mac = local.split(".")
        assert ids == [key.letter.hex, key.recipient.hex, key.occasion.hex]
        assert (len(mac), domain) == (MAC_DIGITS, "example.org")

    def test_an_issues_has_no_occasion(self) -> None:
        key = DeliveryKey(new_id(), new_id())
        assert message_id(KEY, key, "example.org").count(".") == 3

    def test_it_is_the_same_every_time_and_nobody_elses(self) -> None:
        key = DeliveryKey(new_id(), new_id())
        made = message_id(KEY, key, "example.org")
        assert made == message_id(KEY, key, "example.org")
        assert made != message_id(Key("test", bytes(32)), key, "example.org")
        assert made != message_id(KEY, DeliveryKey(key.letter, new_id()), "example.org")

    def test_it_fits_a_line_of_a_header(self) -> None:
        key = DeliveryKey(new_id(), new_id(), new_id())
        assert len(f"Message-ID: {message_id(KEY, key, 'x' * 253)}") < 998
