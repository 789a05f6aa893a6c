"""TCP ports of loopback. Standard library only, as `tests.first_start` runs before anything is installed."""

import secrets
import socket
from contextlib import suppress

PORTS = range(10_000, 32_768)
"""Below those that Linux gives to whoever asks for any, as each connection out and many a server of another test does:
what is free here stays free until it is taken."""


def free_port() -> int:
    """One that nobody uses."""
    while True:
        port = secrets.choice(PORTS)
        with socket.socket() as listener, suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
