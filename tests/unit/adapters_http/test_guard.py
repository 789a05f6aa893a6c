"""Real connections on loopback: who is closed, who is refused, and who is left in peace."""

import asyncio
from ipaddress import ip_network

import pytest
from structlog.testing import capture_logs

from adapters_http.connections import Connection, GuardLimits
from adapters_http.guard import Guard
from tests.support.visitors import GET, MUCH, Wire, guarded_site
from tests.support.waiting import eventually

SOON = 0.4
"""Seconds: a deadline that a test waits for. All the others are those of a real site."""

WAITING = b"GET /waiting HTTP/1.1\r\nHost: x\r\n\r\n"
HALF = b"GET / HTTP/1.1\r\nHost"

POST = "POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n"


def post(path: str, length: int) -> bytes:
    """The head of a request with a body."""
    return POST.format(path, length).encode()


class TestHeads:
    async def test_whoever_sends_nothing_is_closed_without_a_word(self) -> None:
        async with guarded_site(GuardLimits(head=SOON)) as site, site.visit() as visitor:
            assert await visitor.rest() == b""
            assert site.events == {"connections_dropped head": 1}

    async def test_whoever_sends_half_a_head_is_told(self) -> None:
        async with guarded_site(GuardLimits(head=SOON)) as site, site.visit() as visitor:
            visitor.send(HALF)
            assert (await visitor.rest()).startswith(b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n")
            assert site.events == {"connections_dropped head": 1}

    async def test_a_byte_now_and_then_gains_no_time(self) -> None:
        async with guarded_site(GuardLimits(head=SOON)) as site, site.visit() as visitor:
            # Whoever still sends to a closed connection may lose what has not been read of it.
            rest = asyncio.create_task(visitor.rest())

            async def dribble() -> bool:
                visitor.send(b"\r\n")
                return rest.done()

            assert await eventually(dribble)
            assert b" 408 " in rest.result()

    async def test_a_later_head_has_its_own_deadline(self) -> None:
        async with guarded_site(GuardLimits(head=SOON)) as site, site.visit() as visitor:
            visitor.send(GET)
            assert (await visitor.answer()).endswith(b"plain")
            visitor.send(HALF)
            assert b" 408 " in await visitor.rest()

    async def test_a_head_that_goes_on_and_on_is_refused(self) -> None:
        async with guarded_site() as site, site.visit() as visitor:
            visitor.send(b"GET / HTTP/1.1\r\nHost: x\r\n" + b"".join(b"A%d: %0999d\r\n" % (i, i) for i in range(40)))
            assert (await visitor.rest()).startswith(b"HTTP/1.1 431 ")
            assert site.events == {"connections_dropped head_size": 1}

    async def test_a_body_right_behind_a_head_is_none_of_it(self) -> None:
        async with guarded_site(GuardLimits(largest_head=100)) as site, site.visit() as visitor:
            visitor.send(post("/read", 300_000) + b"x" * 300_000)
            assert (await visitor.answer()).endswith(b"300000 bytes")

    async def test_a_head_may_end_in_another_segment(self) -> None:
        async with guarded_site(GuardLimits(largest_head=100)) as site, site.visit() as visitor:
            whole = post("/read", 300_000) + b"x" * 300_000
            end = whole.index(b"\n\r\n") + 2
            visitor.send(whole[:end])
            await visitor.writer.drain()

            async def is_heard() -> bool:
                return site.guard.connections == 1

            assert await eventually(is_heard)
            visitor.send(whole[end:])
            assert (await visitor.answer()).endswith(b"300000 bytes")

    async def test_a_connection_without_a_next_request_is_closed(self) -> None:
        async with guarded_site(GuardLimits(idle=SOON)) as site, site.visit() as visitor:
            visitor.send(GET)
            assert (await visitor.answer()).endswith(b"plain")
            assert await visitor.rest() == b""
            assert not site.events

    async def test_pipelined_requests_are_answered_in_turn(self) -> None:
        async with guarded_site() as site, site.visit() as visitor:
            visitor.send(GET * 1000)
            answers = [await visitor.answer() for _ in range(1000)]
            assert all(answer.endswith(b"plain") for answer in answers)


class TestBodies:
    async def test_one_that_does_not_come_is_not_awaited(self) -> None:
        async with guarded_site(GuardLimits(body=SOON)) as site, site.visit() as visitor:
            visitor.send(post("/read", 10) + b"five.")
            assert await visitor.rest() == b""
            assert site.events == {"connections_dropped body": 1}

    async def test_one_that_nobody_reads_is_not_awaited_either(self) -> None:
        async with guarded_site(GuardLimits(body=SOON)) as site, site.visit() as visitor:
            visitor.send(post("/unread", 10) + b"five.")
            assert (await visitor.rest()).endswith(b"plain")
            assert site.events == {"connections_dropped body": 1}

    async def test_the_rest_of_one_that_nobody_reads_is_no_head(self) -> None:
        """A browser that is refused shows the answer only after it has sent everything."""
        async with guarded_site() as site, site.visit() as visitor:
            visitor.send(post("/unread", 200_000))
            assert (await visitor.answer()).endswith(b"plain")
            visitor.send(b"x" * 200_000 + GET)
            assert (await visitor.answer()).endswith(b"plain")
            assert not site.events

    async def test_an_expected_one_is_asked_for(self) -> None:
        async with guarded_site() as site, site.visit() as visitor:
            visitor.send(post("/read", 5).replace(b"Host", b"Expect: 100-continue\r\nHost"))
            assert await visitor.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            visitor.send(b"five.")
            assert (await visitor.answer()).endswith(b"5 bytes")


class TestReading:
    async def test_whoever_does_not_read_is_cut_off(self) -> None:
        async with guarded_site(GuardLimits(reading=SOON)) as site, site.visit(unread=True) as visitor:
            visitor.send(b"GET /much HTTP/1.1\r\nHost: x\r\n\r\n")

            async def is_cut_off() -> bool:
                return site.events == {"connections_dropped reading": 1}

            assert await eventually(is_cut_off)
            assert 0 < len(await visitor.rest()) < MUCH

    async def test_a_stream_lasts_longer_than_every_deadline(self) -> None:
        async with (
            guarded_site(GuardLimits(head=SOON, body=SOON, reading=SOON, idle=SOON)) as site,
            site.visit() as watcher,
            site.visit() as idle,
        ):
            watcher.send(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
            await watcher.reader.readuntil(b"first\n")
            idle.send(GET)
            assert (await idle.rest()).endswith(b"plain")
            site.go_on.set()
            assert b"last\n" in await watcher.reader.readuntil(b"last\n")
            assert not site.events


class TestNumbers:
    async def test_slow_neighbours_give_way(self) -> None:
        async with (
            guarded_site(GuardLimits(connections_per_network=2)) as site,
            site.visit() as oldest,
            site.visit() as older,
            site.visit() as newest,
        ):
            assert await oldest.rest() == b""
            for visitor in (older, newest):
                visitor.send(GET)
                assert (await visitor.answer()).endswith(b"plain")
            assert site.events == {"connections_dropped network": 1}

    async def test_another_network_is_not_theirs(self) -> None:
        async with (
            guarded_site(GuardLimits(connections_per_network=1)) as site,
            site.visit() as here,
            site.visit("127.0.0.2") as there,
        ):
            for visitor in (here, there):
                visitor.send(GET)
                assert (await visitor.answer()).endswith(b"plain")
            assert not site.events

    async def test_a_proxy_brings_as_many_as_it_has(self) -> None:
        async with (
            guarded_site(GuardLimits(connections_per_network=1), [ip_network("127.0.0.0/8")]) as site,
            site.visit() as first,
            site.visit() as second,
        ):
            for visitor in (first, second):
                visitor.send(GET)
                assert (await visitor.answer()).endswith(b"plain")
            assert not site.events

    async def test_a_newcomer_is_refused_while_all_others_are_served(self) -> None:
        async with (
            guarded_site(GuardLimits(connections_per_network=1)) as site,
            site.visit() as served,
            site.visit("127.0.0.2") as other,
        ):
            served.send(WAITING)
            other.send(GET)
            assert (await other.answer()).endswith(b"plain")  # by then the first request is being served as well
            async with site.visit() as refused:
                told = await refused.rest()
            assert told.startswith(b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n")
            assert b"\r\nRetry-After: 10\r\n" in told
            site.go_on.set()
            assert (await served.answer()).endswith(b"waited")
            assert site.events == {"connections_dropped network_refused": 1}

    async def test_the_idle_give_way_where_nobody_else_does(self) -> None:
        async with guarded_site(GuardLimits(connections=1)) as site, site.visit() as idle:
            idle.send(GET)
            assert (await idle.answer()).endswith(b"plain")
            async with site.visit() as newest:
                assert await idle.rest() == b""
                newest.send(GET)
                assert (await newest.answer()).endswith(b"plain")

    async def test_a_wave_of_newcomers_is_let_in(self) -> None:
        async with guarded_site(GuardLimits(connections=3, connections_per_network=2)) as site:
            for number in range(20):
                async with site.visit(f"127.0.1.{number % 7}") as visitor, site.visit(f"127.0.2.{number % 5}"):
                    visitor.send(GET)
                    assert (await visitor.answer()).endswith(b"plain")

            async def is_empty() -> bool:
                return site.guard.connections == 0

            assert await eventually(is_empty)


class Hand:
    """A clock that a test moves, and a guard that goes by it."""

    def __init__(self, limits: GuardLimits) -> None:
        self.time = 1000.0
        self.guard = Guard(asyncio.Protocol, limits, clock=lambda: self.time)
        self.wires: list[Wire] = []

    def connect(self) -> Connection:
        connection = self.guard()
        self.wires.append(Wire(("127.0.0.1", 4711)))
        connection.connection_made(self.wires[-1])
        return connection

    def pass_by(self, seconds: int) -> None:
        """Seconds in each of which the guard looks."""
        for _ in range(seconds):
            self.time += 1
            self.guard.look()

    @property
    def open(self) -> list[bool]:
        return [not wire.ends for wire in self.wires]


class TestTurns:
    @pytest.mark.parametrize("data", [b"", HALF])
    async def test_an_idle_one_gives_way_before_one_that_has_just_come(self, data: bytes) -> None:
        hand = Hand(GuardLimits(connections=2))
        hand.connect().request_ends()
        hand.pass_by(1)
        hand.connect().data_received(data)
        hand.pass_by(1)
        hand.connect()
        assert hand.open == [False, True, True]

    async def test_a_slow_one_gives_way_before_an_older_idle_one(self) -> None:
        hand = Hand(GuardLimits(connections=2))
        hand.connect().request_ends()
        hand.connect().data_received(HALF)
        hand.pass_by(3)
        hand.connect()
        assert hand.open == [True, False, True]

    async def test_of_two_that_have_just_come_the_older_gives_way(self) -> None:
        hand = Hand(GuardLimits(connections=2))
        for _ in range(3):
            hand.connect()
            hand.pass_by(1)
        assert hand.open == [False, True, True]

    async def test_no_more_give_way_than_are_slow(self) -> None:
        """Of a hundred, two are closed at once; but not who has just come, together with the one that is slow."""
        hand = Hand(GuardLimits(connections=100, connections_per_network=1000))
        hand.connect()
        hand.pass_by(3)
        for _ in range(100):
            hand.connect()
        assert hand.open == [False] + [True] * 100


class TestLateLoops:
    async def test_nobody_is_blamed_for_a_loop_that_stood_still(self) -> None:
        hand = Hand(GuardLimits())
        hand.connect().data_received(HALF)
        hand.time += 60
        hand.guard.look()
        assert hand.open == [True]
        hand.pass_by(8)
        assert hand.open == [True]
        hand.pass_by(2)
        assert hand.open == [False]

    async def test_whoever_comes_after_a_pause_has_the_whole_time(self) -> None:
        hand = Hand(GuardLimits())
        hand.time += 60
        hand.connect()
        hand.pass_by(10)
        assert hand.open == [True]
        hand.pass_by(1)
        assert hand.open == [False]


async def test_of_too_many_from_one_48_the_slowest_gives_way() -> None:
    guard = Guard(asyncio.Protocol, GuardLimits(connections_per_network=1, connections_per_site=2))
    wires = [Wire((f"2001:db8:{site}:{line}::1", 4711, 0, 0)) for site, line in ((1, 1), (1, 2), (2, 1), (1, 3))]
    visitors = [guard() for _ in wires]
    for visitor, wire in zip(visitors, wires, strict=True):
        visitor.connection_made(wire)
    assert [wire.ends for wire in wires] == [["closed"], [], [], []]
    for visitor in visitors:
        visitor.connection_lost(None)
    assert guard.connections == 0


async def test_last_words_that_nobody_reads_are_not_kept() -> None:
    guard, wire = Guard(asyncio.Protocol, GuardLimits(connections=0, reading=SOON)), Wire()
    guard().connection_made(wire)
    assert wire.ends == ["closed"]
    wire.unread = len(wire.written)

    async def is_cut_off() -> bool:
        return "aborted" in wire.ends

    assert await eventually(is_cut_off)


async def test_the_log_is_told_once_of_many() -> None:
    with capture_logs() as lines:
        async with guarded_site(GuardLimits(head=SOON)) as site, site.visit() as first, site.visit() as second:
            assert await first.rest() + await second.rest() == b""
            async with site.visit() as third:
                assert await third.rest() == b""
            assert site.events == {"connections_dropped head": 3}
    told = [line for line in lines if line["event"] == "connections_dropped"]
    assert len(told) == 1
    assert told[0]["reasons"]["head"] >= 1
