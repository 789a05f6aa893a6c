"""Servers that take mail and throw it away, and letters of the size that newsletters have."""

import os
import re
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import attrs

from tests.support.parcels import issue, listed, parcel
from tests.support.ports import free_port, listens
from tests.support.waiting import until
from zero2prod_core.domain.deliveries import Mark, Report, Sent
from zero2prod_core.ports.mailer import Desk, Parcel

__all__ = ["MAIL_BYTES", "SINK", "SOURCE", "CountingSink", "GrantingDesk", "counting_sink", "parcels", "smtp_sink"]

SINK, SOURCE = "/usr/sbin/smtp-sink", "/usr/sbin/smtp-source"  # Debian's package postfix, which need not run
BACKLOG = "256"
SESSIONS = "1024"

MAILS_TAKEN = re.compile(rb"mesg=(\d+)\r")
COUNTERS = 200  # bytes at the end of the output, in which there is a line as a whole

MAIL_BYTES = 8_192
PARAGRAPH = "Every week we read what was written about databases, so that you need not. This is what we kept. "


@contextmanager
def smtp_sink(*options: str, output: IO[bytes] | None = None) -> Iterator[int]:
    """Postfix's test server, on a port of its own: it takes whatever comes, and forgets it."""
    if not Path(SINK).exists():
        sys.exit("This benchmark needs smtp-sink and smtp-source: apt-get install postfix (it need not run)")
    port = free_port()
    privileges = ("-u", "nobody") if os.geteuid() == 0 else ()  # it insists, as root
    process = subprocess.Popen([SINK, *privileges, *options, f"127.0.0.1:{port}", BACKLOG], stdout=output)
    try:
        assert until(lambda: listens(port)), f"smtp-sink does not answer on port {port}"
        yield port
    finally:
        process.terminate()
        process.wait()


@attrs.frozen
class CountingSink:
    """`smtp_sink` with its counters, which it writes to a file behind one another."""

    port: int
    output: Path

    def accepted(self, mails: int, seconds: float) -> int:
        """Wait until so many mails were taken in all, and say how many it were then."""
        assert until(lambda: self._count() >= mails, seconds), f"fewer than {mails} mails came within {seconds:g} s"
        return self._count()

    def _count(self) -> int:
        with self.output.open("rb") as file:
            file.seek(max(0, self.output.stat().st_size - COUNTERS))
            return max([0, *map(int, MAILS_TAKEN.findall(file.read()))])


@contextmanager
def counting_sink() -> Iterator[CountingSink]:
    with tempfile.NamedTemporaryFile() as output, smtp_sink("-c", "-m", SESSIONS, output=output.file) as port:
        yield CountingSink(port, Path(output.name))


def parcels(count: int) -> list[Parcel]:
    """An issue in text and HTML to so many readers: mails of about ``MAIL_BYTES``."""
    letter = issue("What we read this week", f"{PARAGRAPH}\n" * 31, f"<p>{PARAGRAPH}</p>\n" * 31)
    return [listed(parcel(letter, f"reader{number}@example.com")) for number in range(count)]


class GrantingDesk(Desk):
    """In memory: it grants every mark, and counts the mails that were taken."""

    def __init__(self, waiting: Sequence[Parcel]) -> None:
        self.sent = 0
        self._waiting = deque(waiting)

    async def take(self, most: int = 1, *, urgent: bool = False) -> Sequence[Parcel]:
        return self.take_now(most, urgent=urgent)

    def take_now(self, most: int = 1, *, urgent: bool = False) -> Sequence[Parcel]:
        if urgent:
            return ()
        return [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]

    async def settle(self, reports: Sequence[Report], marks: Sequence[Mark]) -> Sequence[bool]:
        for report in reports:
            assert isinstance(report.outcome, Sent), report.outcome
        self.sent += len(reports)
        return (True,) * len(marks)
