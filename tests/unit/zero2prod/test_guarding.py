import asyncio
import socket
from datetime import timedelta

import attrs
from structlog.testing import capture_logs

from adapters_http.connections import GuardLimits
from zero2prod.guarding import FILES_KEPT, SEND_BUFFER, guard, guard_limits, listen
from zero2prod.settings import Settings
from zero2prod.settings_limits import LimitSettings

PLENTY = 10_000


def test_what_is_not_set_is_as_the_guard_has_it() -> None:
    assert guard_limits(Settings(), PLENTY) == GuardLimits()


def test_settings_are_told_in_seconds() -> None:
    limits = LimitSettings(
        connections=5,
        connections_per_network=3,
        connections_per_site=4,
        header_deadline=timedelta(seconds=1),
        body_deadline=timedelta(minutes=2),
        read_deadline=timedelta(milliseconds=500),
        idle=timedelta(hours=1),
    )
    told = guard_limits(Settings(limits=limits), PLENTY)
    assert told == GuardLimits(5, 3, 4, head=1, body=120, reading=0.5, idle=3600)


def test_there_are_never_more_connections_than_files() -> None:
    with capture_logs() as lines:
        limits = guard_limits(Settings(), FILES_KEPT + 7)
    assert limits == attrs.evolve(GuardLimits(), connections=7)
    (line,) = lines
    assert (line["setting"], line["asked"], line["room"]) == ("ZERO2PROD_LIMITS_CONNECTIONS", 2000, 7)


def test_where_the_system_gives_almost_none_there_is_still_one() -> None:
    assert guard_limits(Settings(), 3).connections == 1


async def test_the_system_keeps_little_of_what_is_not_read() -> None:
    server = await listen(guard(asyncio.Protocol, Settings()), "127.0.0.1", 0)
    (listener,) = server.sockets
    kept = listener.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
    server.close()
    assert SEND_BUFFER <= kept <= 2 * SEND_BUFFER
