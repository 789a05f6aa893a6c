"""Reading replies, however they are cut; and a connection that is not there."""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters_email.wire import LONGEST_REPLY, Answer, Lost, Replies, Wire

SPOKEN = (
    b"220 relay.test ready\r\n250-relay.test\r\n250-SIZE 10\r\n250 HELP\r\n354\r\n550-5.1.1 no\n550 5.1.1 such user\n"
)
READ = [
    Answer(220, "relay.test ready"),
    Answer(250, "relay.test\nSIZE 10\nHELP"),
    Answer(354, ""),
    Answer(550, "5.1.1 no\n5.1.1 such user"),
]


@given(st.lists(st.integers(0, len(SPOKEN))))
def test_replies_are_read_however_they_are_cut(cuts: list[int]) -> None:
    replies, read = Replies(), []
    places = [0, *sorted(cuts), len(SPOKEN)]
    for start, end in pairwise(places):
        read += replies.feed(SPOKEN[start:end])
    assert read == READ
    assert replies.are_complete


def test_a_reply_that_is_not_finished_is_not_read() -> None:
    replies = Replies()
    assert replies.feed(b"250-one\r\n") == []
    assert not replies.are_complete
    assert replies.feed(b"250 two\r\n") == [Answer(250, "one\ntwo")]


@pytest.mark.parametrize(
    "garbage", [b"\r\n", b"hello\r\n", b"25 x\r\n", b"2500 x\r\n", b"650 x\r\n", b"250x\r\n", b"250-a\r\n251 b\r\n"]
)
def test_what_is_no_reply_is_refused(garbage: bytes) -> None:
    with pytest.raises(Lost, match="no reply"):
        Replies().feed(garbage)


@pytest.mark.parametrize("endless", [b"250-" + b"x" * LONGEST_REPLY, b"250-more\r\n" * (LONGEST_REPLY // 10 + 1)])
def test_a_reply_without_end_is_refused(endless: bytes) -> None:
    with pytest.raises(Lost, match="no end"):
        Replies().feed(endless)


def test_bytes_that_are_no_unicode_are_shown_as_such() -> None:
    assert Replies().feed(b"550 nicht zul\xe4ssig\r\n") == [Answer(550, "nicht zul\ufffdssig")]


async def test_a_wire_without_a_connection_says_so() -> None:
    with pytest.raises(Lost, match="no connection yet"):
        await Wire().send(b"QUIT\r\n", 1)


@pytest.fixture
async def ends() -> AsyncIterator[tuple[Wire, asyncio.StreamWriter]]:
    """Both ends of a connection: ours, and a server's that never reads."""
    accepted: asyncio.Future[asyncio.StreamWriter] = asyncio.get_running_loop().create_future()
    server = await asyncio.start_server(lambda _, writer: accepted.set_result(writer), "127.0.0.1", limit=1)
    host, port = server.sockets[0].getsockname()
    _, wire = await asyncio.get_running_loop().create_connection(Wire, host, port)
    writer = await accepted
    yield wire, writer
    wire.abort()
    writer.close()
    server.close()


async def test_what_came_before_the_end_is_still_read(ends: tuple[Wire, asyncio.StreamWriter]) -> None:
    wire, server = ends
    server.write(b"421 bye\r\n")
    server.close()
    assert await wire.answer(10) == Answer(421, "bye")
    with pytest.raises(Lost, match="closed the connection"):
        await wire.answer(10)
    with pytest.raises(Lost, match="closed the connection"):
        await wire.send(b"NOOP\r\n", 10)
    assert not wire.is_quiet


async def test_a_server_that_does_not_read_is_not_waited_for(
    ends: tuple[Wire, asyncio.StreamWriter], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters_email.wire.LAST_WORDS", 0.05)
    wire, _ = ends
    with pytest.raises(Lost, match=r"silent for 0\.05 s"):
        await wire.send(b"x" * 50_000_000, 0.05)
    await wire.close()
    with pytest.raises(Lost):
        await wire.answer(10)
