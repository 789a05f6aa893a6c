"""One request to Postmark: what its answer, or its absence, means for each message."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters_email.postmark_account import PostmarkAccount
from adapters_email.postmark_api import PostmarkRequest
from zero2prod_core.domain.deliveries import Deferred, Outcome, Reply, Sent, Throttled, Uncertain
from zero2prod_core.domain.replies import Phase

ONE, TWO = (b'{"To":"a@b.c"}',), (b'{"To":"a@b.c"}', b'{"To":"d@e.f"}')

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["ErrorCode", "Message"]), inner),
    max_leaves=8,
)


def test_one_message_is_an_object_and_several_are_a_list() -> None:
    assert (PostmarkRequest(ONE).path, json.loads(PostmarkRequest(ONE).body)) == ("/email", {"To": "a@b.c"})
    assert (PostmarkRequest(TWO).path, json.loads(PostmarkRequest(TWO).body)) == (
        "/email/batch",
        [{"To": "a@b.c"}, {"To": "d@e.f"}],
    )


@pytest.mark.parametrize(("phase", "kind"), [(Phase.SETUP, Throttled), (Phase.END, Uncertain)])
def test_without_an_answer_the_phase_decides(phase: Phase, kind: type[Outcome]) -> None:
    assert [type(outcome) for outcome in PostmarkRequest(TWO, phase).unanswered("lost")] == [kind] * 2


@given(st.integers(100, 599), JSON.map(json.dumps).map(str.encode) | st.binary())
def test_whatever_is_answered_every_message_gets_an_outcome(status: int, content: bytes) -> None:
    for messages in (ONE, TWO):
        outcomes = PostmarkRequest(messages, Phase.END).answered(status, content)
        assert len(outcomes) == len(messages)
        assert all(outcome.reply.code is None or 0 <= outcome.reply.code <= 32767 for outcome in outcomes)
        assert not any(isinstance(outcome, Sent) for outcome in outcomes) or status // 100 == 2


def test_results_belong_to_messages_by_their_order() -> None:
    content = json.dumps([{"ErrorCode": 0, "Message": "OK"}, {"ErrorCode": 999, "Message": "no"}]).encode()
    assert PostmarkRequest(TWO).answered(200, content) == [Sent(Reply(0, "OK")), Deferred(Reply(999, "no"))]


def test_only_several_messages_can_be_too_large_together() -> None:
    alone, together = PostmarkRequest(ONE), PostmarkRequest(TWO)
    for request in (alone, together):
        request.answered(413, b"")
    assert (alone.was_too_large, together.was_too_large) == (False, True)


def test_the_token_is_never_shown() -> None:
    assert "secret" not in repr(PostmarkAccount("https://api.example.org", "secret"))
