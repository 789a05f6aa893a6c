"""Real connections on loopback: who is closed, who is refused, and who is left in peace."""

import asyncio
from ipaddress import ip_network

from structlog.testing import capture_logs

from adapters_http.connections import GuardLimits
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

            async def dribble() -> bool:
                visitor.send(b"\r\n")
                return bool(site.events)

            assert await eventually(dribble)
            assert b" 408 " in await visitor.rest()

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

    async def test_half_a_head_gives_way_before_an_older_idle_one(self) -> None:
        async with (
            guarded_site(GuardLimits(connections=2)) as site,
            site.visit("127.0.0.1") as idle,
            site.visit("127.0.0.2") as half,
        ):
            idle.send(GET)
            assert (await idle.answer()).endswith(b"plain")
            half.send(HALF)
            async with site.visit("127.0.0.3") as newest:
                assert await half.rest() == b""
                for visitor in (idle, newest):
                    visitor.send(GET)
                    assert (await visitor.answer()).endswith(b"plain")
            assert site.events == {"connections_dropped total": 1}

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
