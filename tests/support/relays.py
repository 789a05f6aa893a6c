"""The test's end of `tests.support.recording_smtp`: start it, steer it, and read what it accepted."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from tests.support.waiting import PATIENCE


@attrs.frozen
class Accepted:
    """A mail that the relay has promised to deliver. ``digest`` is the SHA-256 of its bytes, in hexadecimal."""

    connection: int
    message_id: str
    recipient: str
    digest: str


@attrs.frozen
class Relay:
    """A running one. Every method waits for what it asks, ``PATIENCE`` seconds at most."""

    port: int
    directory: Path

    def hold(self, at: str, after: int = 0, most: int | None = None) -> None:
        """Stop connections at a point, all or so many, after ``after`` times that it was passed."""
        self._tell("hold", at=at, after=after, most=most)

    def reached(self, at: str, connections: int = 1) -> None:
        """Wait until so many connections are held there."""
        self._tell("reached", at=at, count=connections)

    def go_on(self, at: str) -> None:
        """End a hold; whatever a connection's peer had written, if only to its kernel, is read."""
        self._tell("release", at=at, drop=False)

    def drop(self, at: str) -> None:
        """End a hold, and its connections with it: what was not read is lost."""
        self._tell("release", at=at, drop=True)

    def quota(self, mails: int | None) -> None:
        """Take no more than so many mails in all; None for any number."""
        self._tell("quota", count=mails)

    def accepted(self, mails: int) -> int:
        """Wait until so many mails were accepted; says how many it were then."""
        return int(self._tell("accepted", count=mails))

    def emptied(self) -> None:
        """Wait until no connection is open."""
        self._tell("emptied")

    @property
    def mails(self) -> Sequence[Accepted]:
        """What was accepted, in order."""
        lines = (self.directory / "accepted").read_bytes().splitlines()
        return [Accepted(**json.loads(line)) for line in lines]

    def _tell(self, what: str, **details: object) -> Any:  # noqa: ANN401 - whatever the server answers
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(PATIENCE)
            line.connect(str(self.directory / "control"))
            line.sendall(json.dumps({"do": what, **details}).encode() + b"\n")
            with line.makefile() as answers:
                answer = answers.readline()
        assert answer, f"the relay understood nothing of {what} {details}"
        return json.loads(answer)


@contextmanager
def recording(directory: Path, *, without: Sequence[str] = ()) -> Iterator[Relay]:
    """A relay that keeps its record in ``directory``, and offers all extensions but those ``without``."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.recording_smtp", str(directory), *without],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout
        try:
            yield Relay(int(process.stdout.readline()), directory)
        finally:
            process.kill()
            process.wait(PATIENCE)
