"""The first start in a fresh clone, and the second, as a person at a terminal sees them; standard library only.

Run in the clone, as the user whose start it is: ``python3 tests/first_start.py``. Exit status 1 and the output of
``make up`` if a start is late, a page is missing, or Ctrl-C leaves a process behind.
"""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import IO

# What is promised: everything set up from nothing, and then a start that a person does not wait for.
FIRST_START_SECONDS = 180
LATER_START_SECONDS = 15

# A worker may finish what is in flight for 30 s; the database follows it.
STOP_SECONDS = 40

# linux/prctl.h: orphans among our descendants become our children, so that none can hide.
PR_SET_CHILD_SUBREAPER = 36


class Amiss(Exception):
    """What a person would complain about."""


def main() -> int:
    """Start twice, the second time with every package index out of reach."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    try:
        start_and_stop("the first start", FIRST_START_SECONDS, {})
        start_and_stop("a later start", LATER_START_SECONDS, {"PIP_NO_INDEX": "1"})
    except Amiss as amiss:
        print(f"first start: {amiss}", file=sys.stderr)
        return 1
    return 0


def start_and_stop(name: str, limit: float, environment: dict[str, str]) -> None:
    """``make up``, look at two pages, Ctrl-C; raises ``Amiss``, with all that was printed."""
    with tempfile.TemporaryFile("w+") as output:
        port = free_port()
        began = time.monotonic()
        process = subprocess.Popen(
            ["make", "up", f"ARGS=--port {port}"],
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | environment,
            start_new_session=True,
        )
        try:
            look_at_pages(name, process, port, limit)
            taken = time.monotonic() - began
            stop(process)
            expect_quiet(output)
        except Amiss as amiss:
            raise Amiss(f"{amiss}; it printed:\n{printed(output)}") from None
        finally:
            kill_what_is_left(process)
        print(f"{name} served after {taken:.1f} s and stopped without a trace")


def look_at_pages(name: str, process: subprocess.Popen[bytes], port: int, limit: float) -> None:
    """The service is alive within ``limit`` seconds and shows the form that visitors sign up with."""
    site = f"http://127.0.0.1:{port}"
    if not within(limit, lambda: process.poll() is not None or answers(f"{site}/health_check") is not None):
        raise Amiss(f"{name} did not serve within {limit:.0f} s")
    if process.poll() is not None:
        raise Amiss(f"{name} ended with status {process.returncode}")
    if "<form" not in (answers(site) or ""):
        raise Amiss(f"{name} served a first page without a form")


def stop(process: subprocess.Popen[bytes]) -> None:
    """Press Ctrl-C, which reaches the whole foreground group, and see every descendant gone."""
    os.killpg(process.pid, signal.SIGINT)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        raise Amiss(f"Ctrl-C did not end it within {STOP_SECONDS} s") from None
    if not within(5, no_child_is_left):
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
    within(10, no_child_is_left)


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    """Whether ``condition`` came true in time."""
    deadline = time.monotonic() + seconds
    while not (met := condition()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return met


def free_port() -> int:
    """A port that nobody listened on a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def printed(output: IO[str]) -> str:
    """All of it so far."""
    output.seek(0)
    return output.read()


if __name__ == "__main__":
    sys.exit(main())
