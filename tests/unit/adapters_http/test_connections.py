"""One connection over a transport that a test moves by hand."""

import asyncio

import pytest
from aiohttp import EMPTY_PAYLOAD

from adapters_http.connections import READ_MEANWHILE, Connection, GuardLimits, Reason
from tests.support.visitors import HERE, Wire
from tests.support.waiting import eventually

IMPATIENT = GuardLimits(head=0, body=0, reading=0, idle=0)


class Door:
    """Lets in whoever it is told to."""

    def __init__(self, limits: GuardLimits, *, is_open: bool = True) -> None:
        self.limits = limits
        self.is_open = is_open

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def let_in(self, _: Connection) -> bool:
        return self.is_open

    def close(self, connection: Connection, _: Reason, last_words: bytes = b"") -> None:
        connection.leave(last_words)

    def gone(self, _: Connection) -> None:
        return None


def connected(limits: GuardLimits = IMPATIENT, peer: object = HERE) -> tuple[Connection, Wire]:
    """With a request that is being answered."""
    connection, wire = Connection(Door(limits), asyncio.Protocol), Wire(peer)
    connection.connection_made(wire)
    connection.request_begins(EMPTY_PAYLOAD)
    return connection, wire


async def overdue(connection: Connection) -> Reason | None:
    """What is overdue once the loop's clock has moved, which may count milliseconds."""
    began = asyncio.get_running_loop().time()

    async def is_later() -> bool:
        return asyncio.get_running_loop().time() > began

    assert await eventually(is_later)
    return connection.overdue()


class TestReading:
    async def test_what_stays_unread_is_overdue(self) -> None:
        connection, wire = connected()
        wire.unread = 100_000
        assert connection.overdue() is None
        assert connection.waits_since is not None
        assert await overdue(connection) is Reason.READING

    async def test_whoever_reads_on_may_take_long(self) -> None:
        connection, wire = connected()
        wire.unread = 10 * READ_MEANWHILE
        for _ in range(9):
            assert connection.overdue() is None
            wire.unread -= READ_MEANWHILE
        assert connection.overdue() is None
        wire.unread -= READ_MEANWHILE - 1
        assert await overdue(connection) is Reason.READING

    async def test_what_is_added_is_not_read(self) -> None:
        connection, wire = connected()
        for unread in (100, 50_000):
            wire.unread = unread
            connection.overdue()
        assert await overdue(connection) is Reason.READING
        wire.unread -= READ_MEANWHILE
        assert connection.overdue() is None

    async def test_an_emptied_buffer_begins_anew(self) -> None:
        connection, wire = connected()
        for _ in range(3):
            wire.unread = 100_000
            assert connection.overdue() is None
            connection.resume_writing()
        wire.unread = 0
        assert connection.overdue() is None
        assert connection.waits_since is None

    async def test_an_answer_that_is_being_read_is_not_idle(self) -> None:
        connection, wire = connected(GuardLimits(idle=0))
        connection.request_ends()
        wire.unread = 100_000
        assert connection.overdue() is None
        wire.unread = 0
        assert await overdue(connection) is Reason.IDLE


class TestLeaving:
    async def test_what_is_written_is_sent_before_the_end(self) -> None:
        connection, wire = connected()
        connection.leave(b"farewell")
        assert (wire.written, wire.ends) == (b"farewell", ["closed"])
        assert (connection.overdue(), connection.waits_since) == (None, None)

    async def test_nobody_waits_for_who_does_not_read(self) -> None:
        connection, wire = connected()
        wire.unread = 1
        connection.leave(b"farewell")
        assert (wire.written, wire.ends) == (b"", ["aborted"])

    async def test_last_words_that_are_not_read_are_overdue_too(self) -> None:
        connection, wire = connected()
        connection.leave(b"farewell")
        wire.unread = 8
        assert [connection.overdue(), await overdue(connection)] == [None, Reason.READING]

    async def test_whoever_is_refused_is_not_listened_to(self) -> None:
        def behind() -> asyncio.Protocol:
            raise AssertionError("nothing is made for those who are refused")

        connection, wire = Connection(Door(GuardLimits(), is_open=False), behind), Wire()
        connection.connection_made(wire)
        connection.data_received(b"GET / HTTP/1.1\r\n\r\n")
        connection.pause_writing()
        connection.resume_writing()
        assert connection.eof_received() is None
        connection.connection_lost(None)
        assert wire.written.startswith(b"HTTP/1.1 503 ")
        assert wire.ends == ["closed"]


@pytest.mark.parametrize(
    ("peer", "network", "site"),
    [
        (("192.0.2.7", 4711), "192.0.2.7", None),
        (("2001:db8:0:1::7", 4711, 0, 0), "2001:db8:0:1::/64", "2001:db8::/48"),
        (("2001:db8:0:1:8000::8", 4711, 0, 0), "2001:db8:0:1::/64", "2001:db8::/48"),
        (("::ffff:192.0.2.7", 4711, 0, 0), "192.0.2.7", None),
        ("", None, None),
        (None, None, None),
    ],
)
async def test_a_network_is_one_visitor_and_stands_in_a_site(
    peer: object, network: str | None, site: str | None
) -> None:
    connection, _ = connected(peer=peer)
    assert (connection.network, connection.site) == (network, site)
