"""The guard in front of the site, as the settings have it."""

import asyncio
import errno
import socket
from collections.abc import Callable

import structlog

from adapters_http.connections import GuardLimits
from adapters_http.guard import Guard
from zero2prod.processes import raise_file_limit
from zero2prod.settings import Settings, name_of
from zero2prod_core.errors import SettingInvalid
from zero2prod_core.ports.telemetry import SILENT, Telemetry

FILES_KEPT = 128
"""Open files that are not for visitors: the database's connections, the log, sockets to listen on, files of code."""

BACKLOG = 512
"""Connections that the system keeps until we take them: a flood between two turns of the loop."""

SEND_BUFFER = 128 * 1024
"""Bytes of answers that the system keeps for each connection (Linux: twice as many with its own). By itself it would
keep megabytes for whoever does not read, and we would go on answering. Our largest page is about as long."""

log = structlog.get_logger(__name__)


def guard(behind: Callable[[], asyncio.Protocol], settings: Settings, telemetry: Telemetry = SILENT) -> Guard:
    """A guard over ``behind``. Takes as many open files as the system gives."""
    return Guard(behind, guard_limits(settings, raise_file_limit()), settings.trusted_proxies, telemetry)


async def listen(guard: Guard, host: str, port: int) -> asyncio.Server:
    """Let visitors in, through the guard.

    Raises:
        OSError, UnicodeError: there cannot be listened.
    """
    server = await asyncio.get_running_loop().create_server(guard, host, port, backlog=BACKLOG)
    for listener in server.sockets:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    return server


def guard_limits(settings: Settings, files: int) -> GuardLimits:
    """What the settings say, and no more connections than ``files`` have room for."""
    limits = settings.limits
    room = max(1, files - FILES_KEPT)
    if room < limits.connections:
        log.warning("fewer_connections", setting=name_of("limits.connections"), asked=limits.connections, room=room)
    return GuardLimits(
        connections=min(limits.connections, room),
        connections_per_network=limits.connections_per_network,
        connections_per_site=limits.connections_per_site,
        head=limits.header_deadline.total_seconds(),
        body=limits.body_deadline.total_seconds(),
        reading=limits.read_deadline.total_seconds(),
        idle=limits.idle.total_seconds(),
    )


def cannot_listen(section: str, host: str, port: int, error: OSError | UnicodeError) -> SettingInvalid:
    """Why the port of the site, or of a worker, cannot be opened, and what to do."""
    host_name, port_name = name_of(f"{section}.host"), name_of(f"{section}.port")
    if isinstance(error, UnicodeError):
        return SettingInvalid(host_name, "is no network address. Choose one of this machine.")
    if error.errno == errno.EADDRINUSE:
        otherwise = "choose another port with --port" if section == "http" else "choose another port"
        return SettingInvalid(port_name, f"port {port} is in use. Stop the other program, or {otherwise}.")
    if error.errno == errno.EACCES:
        return SettingInvalid(port_name, f"port {port} may not be opened by this user. Choose one above 1023.")
    rule = f"cannot listen on {host}: {error.strerror}. Choose a network address of this machine."
    return SettingInvalid(host_name, rule)
