"""The first start in a fresh clone, and later ones, as a person at a terminal sees them; standard library only.

Run in the clone, as the user whose start it is: ``python3 -m tests.first_start``. Exit status 1 and the output of
``make up`` if a start is late (a later one: twice), a page is missing, the first issue does not arrive, or Ctrl-C
leaves a process behind.
"""

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tests.first_issue import Lost, receive_an_issue
from tests.support.ports import free_port
from tests.support.waiting import PATIENCE, until

# What is promised: everything set up from nothing, and then a start that a person does not wait for.
FIRST_START_SECONDS = 180
LATER_START_SECONDS = 15

# Also promised: from the first `make up` in a clone to an issue of one's own.
FIRST_ISSUE_SECONDS = 300

# Every package index is out of reach.
OFFLINE = {"PIP_NO_INDEX": "1"}

# A worker may finish what is in flight for 30 s; the database follows it.
STOP_SECONDS = 40

# Whoever outlives that is orphaned; the kernel needs a moment to clear a process away.
GONE_SECONDS = 5

# linux/prctl.h: orphans among our descendants become our children, so that none can hide.
PR_SET_CHILD_SUBREAPER = 36


class Amiss(Exception):
    """What a person would complain about."""


class Slow(Amiss):
    """It served, after more than what is promised."""


def main() -> int:
    """Start where data are usually kept, twice, and then where there are none."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    try:
        setting_up = start_and_stop(Start("the first start", FIRST_START_SECONDS), leave)
        in_time(start_later)
        expect_in_time(setting_up + in_time(start_anew))
    except Amiss as amiss:
        print(f"first start: {amiss}", file=sys.stderr)
        return 1
    return 0


@dataclass
class Start:
    """One ``make up``: its time limit in seconds, what the environment has besides, and arguments besides the port."""

    name: str
    limit: float
    environment: Mapping[str, str] = field(default_factory=dict)
    arguments: str = ""


def in_time(starting: Callable[[], float]) -> float:
    """The seconds of a start. One that is slow is tried once more: a machine may stand still in one, not in both."""
    try:
        return starting()
    except Slow as slow:
        print(f"first start: {slow}; once more", file=sys.stderr)
        return starting()


def start_later() -> float:
    return start_and_stop(Start("a later start", LATER_START_SECONDS, OFFLINE), leave)


def start_anew() -> float:
    """Where there are no data, so that a person can be new there."""
    with tempfile.TemporaryDirectory(prefix="zero2prod-first-issue-") as directory:
        Path(directory).chmod(0o755)  # the account of the database, where root starts it, has to pass
        arguments = f"--data-dir {directory}/data"
        return start_and_stop(Start("a start without data", LATER_START_SECONDS, OFFLINE, arguments), walk)


def start_and_stop(start: Start, use: Callable[[IO[str]], None]) -> float:
    """``make up``, look at two pages, ``use`` what is printed, Ctrl-C; the seconds from the start to the end of use.

    Raises ``Amiss``, with all that was printed.
    """
    with tempfile.TemporaryFile("w+") as output:
        port = free_port()
        began = time.monotonic()
        process = subprocess.Popen(
            ["make", "up", f"ARGS=--port {port} {start.arguments}"],
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **start.environment},
            start_new_session=True,
        )
        try:
            look_at_pages(start, process, port)
            served = time.monotonic() - began
            use(output)
            used = time.monotonic() - began
            stop(process)
            expect_quiet(output)
        except Amiss as amiss:
            raise Amiss(f"{amiss}; it printed:\n{printed(output)}") from None
        finally:
            kill_what_is_left(process)
        if served > start.limit:
            late = f"{start.name} served after {served:.1f} s, more than {start.limit:.0f} s"
            raise Slow(f"{late}; it printed:\n{printed(output)}")
        print(f"{start.name} served after {served:.1f} s and stopped without a trace")
        return used


def leave(output: IO[str]) -> None:
    """The pages are there: that is all."""


def walk(output: IO[str]) -> None:
    """Go the way of the checklist, from nothing but what the terminal says."""
    if not until(lambda: "Ctrl-C" in printed(output)):
        raise Amiss("it served and did not say where")
    try:
        receive_an_issue(printed(output))
    except (Lost, OSError) as lost:
        raise Amiss(f"the first issue did not arrive: {lost}") from None


def expect_in_time(seconds: float) -> None:
    """``seconds`` from nothing to an issue, as a machine needs them; the rest is a person's, who reads and types."""
    print(f"setting up and the way to the first issue took {seconds:.1f} s")
    if seconds > FIRST_ISSUE_SECONDS:
        raise Amiss(f"the first issue took {seconds:.1f} s, more than {FIRST_ISSUE_SECONDS} s")


def look_at_pages(start: Start, process: subprocess.Popen[bytes], port: int) -> None:
    """The service is alive in time and shows the form that visitors sign up with."""
    site = f"http://127.0.0.1:{port}"
    limit = start.limit + PATIENCE
    if not until(lambda: process.poll() is not None or answers(f"{site}/health_check") is not None, limit):
        raise Amiss(f"{start.name} did not serve within {limit:.0f} s")
    if process.poll() is not None:
        raise Amiss(f"{start.name} ended with status {process.returncode}")
    if "<form" not in (answers(site) or ""):
        raise Amiss(f"{start.name} served a first page without a form")


def stop(process: subprocess.Popen[bytes]) -> None:
    """Press Ctrl-C, which reaches the whole foreground group, and see every descendant gone."""
    os.killpg(process.pid, signal.SIGINT)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        raise Amiss(f"Ctrl-C did not end it within {STOP_SECONDS} s") from None
    if not until(no_child_is_left, GONE_SECONDS):
        raise Amiss("a process is left behind after Ctrl-C")


def expect_quiet(output: IO[str]) -> None:
    """Neither Python nor make complains."""
    text = printed(output)
    for complaint in ("Traceback", "***"):
        if complaint in text:
            raise Amiss(f"it printed {complaint!r}")


def answers(url: str) -> str | None:
    """The body of a 200, or None as long as there is none."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return str(response.read().decode())
    except (urllib.error.URLError, OSError):
        return None


def no_child_is_left() -> bool:
    """Reap what has ended; true once nothing runs any more."""
    try:
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
    except ChildProcessError:
        return True
    return False


def kill_what_is_left(process: subprocess.Popen[bytes]) -> None:
    """Leave nothing to those who run after us, whatever went wrong."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    until(no_child_is_left)


def printed(output: IO[str]) -> str:
    """All of it so far; whoever writes shares our place in the file, so it must not be moved."""
    return os.pread(output.fileno(), os.fstat(output.fileno()).st_size, 0).decode(errors="replace")


if __name__ == "__main__":
    sys.exit(main())
