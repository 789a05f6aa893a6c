"""Reading a mail server's reply: one test for each row of the table in the delivery chapter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zero2prod_core.domain.deliveries import (
    Deferred,
    Outcome,
    Rejected,
    Reply,
    Scope,
    SenderFault,
    Sent,
    Throttled,
    Uncertain,
)
from zero2prod_core.domain.replies import Phase, Verdict, outcome_of, postmark_outcome_of

SETUP, RCPT, DATA, BODY, END = Phase


def relay(reply: Reply) -> Outcome:
    return Throttled(reply, Scope.RELAY)


def domain(reply: Reply) -> Outcome:
    return Throttled(reply, Scope.DOMAIN)


def dead(reply: Reply) -> Outcome:
    return Rejected(reply, suppress=True)


def policy(reply: Reply) -> Outcome:
    return Rejected(reply, blames_letter=True)


ROWS: list[tuple[Phase, int | None, str, Verdict]] = [
    (SETUP, None, "connection lost", relay),
    (SETUP, 421, "4.3.2 shutting down", relay),
    (SETUP, 451, "later", relay),
    (SETUP, 250, "2.0.0 what was not asked for", relay),
    (SETUP, 552, "too big", policy),
    (SETUP, 554, "5.3.4 too big", policy),
    (SETUP, 552, "5.3.4 too big", policy),
    (RCPT, 530, "Authentication required", SenderFault),
    (RCPT, 535, "5.7.8 wrong password", SenderFault),
    (RCPT, 503, "AUTH first", SenderFault),
    (SETUP, 535, "5.7.8 wrong password", SenderFault),
    (SETUP, 553, "sender refused", SenderFault),
    (SETUP, 554, "5.3.40 another code", SenderFault),
    (RCPT, 550, "5.1.1 no such user", dead),
    (RCPT, 550, "5.1.2 no such host", dead),
    (RCPT, 501, "5.1.3 bad syntax", dead),
    (RCPT, 550, "5.1.6 moved", dead),
    (RCPT, 556, "5.1.10 null MX", dead),
    (RCPT, 550, "5.1.1", dead),
    (RCPT, 550, "5.1.7 bad sender", SenderFault),
    (RCPT, 550, "5.1.8 bad sender's domain", SenderFault),
    (RCPT, 552, "5.2.2 mailbox full", Deferred),
    (RCPT, 550, "5.2.2 mailbox full", Deferred),
    (RCPT, 552, "mailbox full", Deferred),
    (RCPT, 552, "5.2.3 too long for this mailbox", Rejected),
    (RCPT, 421, "too many errors", relay),
    (RCPT, 421, "4.7.0 too many errors", relay),
    (RCPT, 450, "4.7.1 greylisted", domain),
    (RCPT, 451, "4.7.650 throttled", domain),
    (RCPT, 452, "4.3.2 not accepting", domain),
    (RCPT, 450, "4.2.1 busy", Deferred),
    (RCPT, 450, "busy", Deferred),
    (RCPT, 550, "5.7.1 policy", policy),
    (RCPT, 554, "5.7.26 unauthenticated mail", policy),
    (RCPT, 550, "5.70.1 another code", Rejected),
    (RCPT, 550, "no", Rejected),
    (RCPT, 550, "5.1.11 another code", Rejected),
    (RCPT, None, "timed out", Deferred),
    (RCPT, 354, "garbage", Deferred),
    (DATA, 421, "4.3.2 shutting down", relay),
    (DATA, 451, "4.7.1 later", Deferred),
    (DATA, 554, "5.7.1 no", policy),
    (DATA, 554, "no valid recipients", Rejected),
    (DATA, None, "connection lost", Deferred),
    (DATA, 250, "garbage", Deferred),
    (BODY, None, "connection lost", Deferred),
    (BODY, 554, "before its time", Deferred),
    (END, 250, "2.0.0 queued", Sent),
    (END, 451, "4.3.0 later", Deferred),
    (END, 421, "4.3.2 shutting down", Deferred),
    (END, 554, "5.7.1 spam", policy),
    (END, 550, "no", policy),
    (END, 552, "5.2.2 mailbox full", policy),
    (END, None, "connection lost", Uncertain),
    (END, 354, "garbage", Uncertain),
]


@pytest.mark.parametrize(("phase", "code", "text", "verdict"), ROWS)
def test_the_first_row_that_matches_wins(phase: Phase, code: int | None, text: str, verdict: Verdict) -> None:
    assert outcome_of(phase, code, text) == verdict(Reply(code, text))


PUT_OFF: list[tuple[Phase, str, Verdict]] = [
    (SETUP, "", relay),
    (SETUP, "4.7.1 ", relay),
    (RCPT, "", Deferred),
    (RCPT, "4.2.1 ", Deferred),
    (RCPT, "4.3.2 ", domain),
    (RCPT, "4.7.1 ", domain),
    (DATA, "", Deferred),
    (DATA, "4.7.1 ", Deferred),
    (END, "", Deferred),
    (END, "4.3.2 ", Deferred),
]


@pytest.mark.parametrize(("phase", "enhanced", "verdict"), PUT_OFF)
def test_each_of_the_hundred_4xx_puts_off(phase: Phase, enhanced: str, verdict: Verdict) -> None:
    """421 is the relay's end of the dialogue, wherever it comes before the mail is complete."""
    for code in range(400, 500):
        ends = code == 421 and phase is not END
        expected = relay if ends else verdict
        assert outcome_of(phase, code, f"{enhanced}not now") == expected(Reply(code, f"{enhanced}not now"))


@given(st.sampled_from(list(Phase)), st.none() | st.integers(200, 599), st.text())
def test_every_reply_means_something_and_is_kept_printable(phase: Phase, code: int | None, text: str) -> None:
    outcome = outcome_of(phase, code, text)
    assert outcome.reply.code == code
    assert len(outcome.reply.text) <= Reply.LONGEST
    assert outcome.reply.text.isprintable()


def test_a_code_in_the_middle_of_the_words_decides_nothing() -> None:
    assert outcome_of(RCPT, 550, "see 5.1.1 in the manual") == Rejected(Reply(550, "see 5.1.1 in the manual"))


def test_the_lines_of_a_reply_become_one() -> None:
    assert outcome_of(RCPT, 550, "5.1.1 no\n5.1.1 user").reply.text == "5.1.1 no 5.1.1 user"


POSTMARK_ROWS: list[tuple[Phase, int | None, int | None, Verdict]] = [
    (SETUP, None, None, relay),
    (END, 200, 0, Sent),
    (END, 200, 406, dead),
    (END, 422, 406, dead),
    (END, 200, 300, Rejected),
    (END, 422, 300, Rejected),
    (END, 413, None, Rejected),
    (END, 401, 10, SenderFault),
    (END, 401, None, SenderFault),
    (END, 403, None, SenderFault),
    (END, 404, None, SenderFault),
    (END, 307, None, SenderFault),
    *((END, status, code, SenderFault) for status in (200, 422) for code in (10, 400, 401, 402, 403, 405, 409)),
    *((END, 422, code, SenderFault) for code in (410, 411, 412, 413, 1235)),
    (END, 429, None, relay),
    (END, 429, 429, relay),
    (END, 200, 429, relay),
    (END, 200, 100, relay),
    (END, 503, None, relay),
    (END, 503, 100, relay),
    (END, 408, None, relay),
    (END, 408, 406, relay),
    (END, 413, 999, Rejected),
    (END, 503, 406, relay),
    (END, 307, 0, SenderFault),
    (END, 422, 404, Deferred),
    (END, 422, 999, Deferred),
    (END, 200, 999, Deferred),
    (END, 500, None, Uncertain),
    (END, 500, 406, Uncertain),
    (END, 502, None, Uncertain),
    (END, 504, 0, Uncertain),
    (END, 422, 0, Uncertain),
    (END, 200, None, Uncertain),
    (END, None, None, Uncertain),
]


@pytest.mark.parametrize(("phase", "status", "code", "verdict"), POSTMARK_ROWS)
def test_postmarks_answers_have_their_own_table(
    phase: Phase, status: int | None, code: int | None, verdict: Verdict
) -> None:
    kept = status if code is None else code
    assert postmark_outcome_of(phase, status, code, "words") == verdict(Reply(kept, "words"))


@given(st.sampled_from([SETUP, END]), st.none() | st.integers(0, 999), st.none() | st.integers(0, 32767), st.text())
def test_every_answer_of_postmark_means_something(
    phase: Phase, status: int | None, code: int | None, text: str
) -> None:
    outcome = postmark_outcome_of(phase, status, code, text)
    assert not isinstance(outcome, Sent) or (phase, code) == (END, 0)
    assert outcome.reply.text.isprintable()
