"""Reading replies, however they are cut."""

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters_email.smtp_replies import LONGEST_REPLY, Answer, Garbage, Replies

SPOKEN = (
    b"220 relay.test ready\r\n250-relay.test\r\n250-SIZE 10\r\n250 HELP\r\n354\r\n550-5.1.1 no\n550 5.1.1 such user\n"
)
READ = [
    Answer(220, b"relay.test ready"),
    Answer(250, b"relay.test\nSIZE 10\nHELP"),
    Answer(354, b""),
    Answer(550, b"5.1.1 no\n5.1.1 such user"),
]
GARBAGE = [b"\r\n", b"hello\r\n", b"25 x\r\n", b"2500 x\r\n", b"650 x\r\n", b"250x\r\n", b"250-a\r\n251 b\r\n"]


def read(*pieces: bytes) -> tuple[list[Answer], bool]:
    """The replies in these bytes, and whether nothing is left over."""
    replies, heard = Replies(), list[Answer]()
    feed_all(replies, pieces, heard)
    return heard, replies.are_complete


def feed_all(replies: Replies, pieces: Iterable[bytes], heard: list[Answer]) -> None:
    for piece in pieces:
        replies.feed(piece, heard.append)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    return [data[start:end] for start, end in pairwise(places)]


@given(st.lists(st.integers(0, len(SPOKEN))))
def test_replies_are_read_however_they_are_cut(cuts: list[int]) -> None:
    assert read(*pieces(SPOKEN, cuts)) == (READ, True)


def test_a_reply_that_is_not_finished_is_not_read() -> None:
    assert read(b"250-one\r\n") == ([], False)
    assert read(b"250-one\r\n", b"250 two\r\n") == ([Answer(250, b"one\ntwo")], True)


@pytest.mark.parametrize("garbage", GARBAGE)
@given(st.lists(st.integers(0, len(SPOKEN) + 20)))
def test_what_is_no_reply_is_refused_and_what_came_before_it_is_heard(garbage: bytes, cuts: list[int]) -> None:
    replies, heard = Replies(), list[Answer]()
    with pytest.raises(Garbage, match="no reply"):
        feed_all(replies, pieces(SPOKEN + garbage, cuts), heard)
    assert heard == READ


@pytest.mark.parametrize("endless", [b"250-" + b"x" * LONGEST_REPLY, b"250-more\r\n" * (LONGEST_REPLY // 10 + 1)])
def test_a_reply_without_end_is_refused(endless: bytes) -> None:
    with pytest.raises(Garbage, match="no end"):
        read(endless)


def test_many_replies_are_no_long_one() -> None:
    many = b"250 ok\r\n" * LONGEST_REPLY
    assert len(read(many)[0]) == LONGEST_REPLY


def test_bytes_that_are_no_unicode_are_shown_as_such() -> None:
    assert read(b"550 nicht zul\xe4ssig\r\n")[0][0].text == "nicht zul\ufffdssig"
