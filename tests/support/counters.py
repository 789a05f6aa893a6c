"""The caller's end of `tests.support.counting_smtp`: start it, and ask how much it has taken."""

import select
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import attrs

from tests.support.waiting import PATIENCE


@attrs.frozen
class Counted:
    """How many mails were taken, and to what their recipients add up: `counting_smtp.crowd_sum`."""

    mails: int
    crowd: int


@attrs.frozen
class Counter:
    """A running one."""

    port: int
    process: "subprocess.Popen[str]"

    def accepted(self, mails: int, seconds: float) -> int:
        """Wait until so many mails were taken in all, and say how many it were then."""
        return self.counted(mails, seconds).mails

    def counted(self, mails: int, seconds: float) -> Counted:
        """As `accepted`, with the sum of the recipients."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{mails}\n")
        self.process.stdin.flush()
        answered, _, _ = select.select([self.process.stdout], [], [], seconds)
        assert answered, f"fewer than {mails} mails came within {seconds:g} s"
        return Counted(*map(int, self.process.stdout.readline().split()))


@contextmanager
def counting(*, without: Sequence[str] = ()) -> Iterator[Counter]:
    """A server that offers all extensions but those ``without``."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.counting_smtp", *without],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        try:
            yield Counter(int(process.stdout.readline()), process)
        finally:
            process.kill()
            process.wait(PATIENCE)
