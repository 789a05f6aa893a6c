"""The connection itself: what came before its end, a server that does not read, and one that is not there."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from adapters_email.composing import Envelope, Mail
from adapters_email.dialogue import Session, Stopped
from adapters_email.exchange import Attempt, Question, Step
from adapters_email.opening import Offers
from adapters_email.waits import StepName, Waits
from adapters_email.wire import TimeLimits, Wire
from zero2prod_core.domain.replies import Phase
from zero2prod_core.errors import Defect

ANY = Step(StepName.EHLO, Phase.SETUP, range(200, 600))


def asked(wire: Wire, data: bytes = b"NOOP\r\n") -> Question:
    question = Question()
    wire.ask(data, question, ANY)
    return question


async def test_a_wire_without_a_connection_is_a_defect() -> None:
    with pytest.raises(Defect, match="before it has a connection"):
        Wire(TimeLimits(), Waits()).write(b"QUIT\r\n")


@pytest.fixture
async def ends() -> AsyncIterator[tuple[Wire, asyncio.StreamWriter]]:
    """Both ends of a connection: ours, with limits of 0.05 s, and a server's that never reads."""
    accepted: asyncio.Future[asyncio.StreamWriter] = asyncio.get_running_loop().create_future()
    server = await asyncio.start_server(lambda _, writer: accepted.set_result(writer), "127.0.0.1", limit=1)
    host, port = server.sockets[0].getsockname()
    limits = TimeLimits(greeting=0.05, command=20, block=0.05)
    _, wire = await asyncio.get_running_loop().create_connection(lambda: Wire(limits, Waits()), host, port)
    writer = await accepted
    yield wire, writer
    wire.abort()
    writer.close()
    server.close()


async def test_what_came_before_the_end_is_still_read(ends: tuple[Wire, asyncio.StreamWriter]) -> None:
    wire, server = ends
    first, second = asked(wire), asked(wire)
    server.write(b"250 fine\r\n")
    server.close()
    await wire.until(second.is_answered)
    assert first.answer
    assert first.answer.text == "fine"
    assert second.stopped
    assert "closed the connection" in second.stopped.text or "connection was lost" in second.stopped.text
    third = asked(wire)
    assert third.is_answered()
    assert third.stopped
    assert not wire.exchange.is_quiet


async def test_a_server_that_does_not_read_is_not_waited_for(
    ends: tuple[Wire, asyncio.StreamWriter], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters_email.wire.LAST_WORDS", 0.05)
    wire, _ = ends
    question = asked(wire, b"x" * 50_000_000)
    await wire.drained()
    assert question.stopped
    assert question.stopped.text == "the server read nothing for 0.05 s"
    assert wire._line.get_write_buffer_size() == 0
    await wire.close()
    assert asked(wire).stopped


async def test_what_still_waits_here_is_not_sent_to_a_server_that_closed(
    ends: tuple[Wire, asyncio.StreamWriter],
) -> None:
    wire, server = ends
    question = asked(wire, b"x" * 50_000_000)
    server.write_eof()
    await wire.until(question.is_answered)
    assert wire._line.get_write_buffer_size() == 0


async def test_a_mail_whose_last_block_was_not_taken_was_not_completed(
    ends: tuple[Wire, asyncio.StreamWriter],
) -> None:
    wire, _ = ends
    wire.write(b"x" * 50_000_000)
    attempt = Attempt(Mail(Envelope("ada@example.org", "ben@example.com", utf8=False), b"Subject: Hi\r\n\r\nHi\r\n"))
    with pytest.raises(Stopped) as stopped:
        await Session(wire, Offers.read("")).complete(attempt)
    assert stopped.value.phase is Phase.BODY
    assert attempt.phase is Phase.BODY
    assert wire._line.get_write_buffer_size() == 0


async def test_silence_has_an_end_and_each_answer_begins_it_anew(ends: tuple[Wire, asyncio.StreamWriter]) -> None:
    wire, server = ends
    first, last = Question(), Question()
    wire.ask(b"", first, ANY)
    wire.ask(b"", last, Step(StepName.GREETING, Phase.SETUP, range(200, 600), "greeting"))
    server.write(b"250 fine\r\n")
    await wire.until(last.is_answered)
    assert first.answer
    assert last.stopped
    assert last.stopped.text == "the server was silent for 0.05 s"


async def test_a_reply_byte_by_byte_gets_no_more_time_than_another(
    ends: tuple[Wire, asyncio.StreamWriter],
) -> None:
    wire, server = ends
    question = Question()
    wire.ask(b"", question, Step(StepName.GREETING, Phase.SETUP, range(200, 600), "greeting"))

    async def dribble() -> None:
        while not question.is_answered():
            server.write(b"x")
            await asyncio.sleep(0.005)  # slowness is what this is about

    server.write(b"250-there is more ")
    await asyncio.gather(wire.until(question.is_answered), dribble())
    assert question.stopped
    assert question.stopped.text == "the server was silent for 0.05 s"


async def test_a_connection_that_is_lost_while_we_write_takes_nothing_more(
    ends: tuple[Wire, asyncio.StreamWriter],
) -> None:
    """asyncio knows it at once, and tells it on its next turn: until then what is written would seem to be sent."""
    wire, server = ends
    server.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
    for _ in range(1000):
        wire.write(b"NOOP\r\n")
    question = asked(wire)
    assert question.is_answered()
    assert question.stopped
    assert question.stopped.text == "the connection was lost while we wrote"


async def test_no_limit_is_less_than_the_standard_asks_for_unless_one_is_set() -> None:
    usual = TimeLimits()
    assert (usual.greeting, usual.command, usual.data, usual.block, usual.end) == (300, 300, 120, 180, 600)
    assert usual.shortest == 120
    assert TimeLimits.capped(1).shortest == TimeLimits.capped(1).end == 1
