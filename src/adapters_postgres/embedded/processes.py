"""The server's processes: whose they are, and how they start so that none is ever orphaned.

A child is tied to its parent by ``PR_SET_PDEATHSIG``, which follows the *thread* that forked. So each long-lived child
has a thread of its own here that does nothing but start it and wait for it; a pool's thread may end at any time.
"""

import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import IO, NamedTuple

from zero2prod_core.errors import SettingInvalid

SERVER_USER = "nobody"  # PostgreSQL refuses to run as root, and making users is the administrator's business

# Fast asks every client to go, then writes a checkpoint; immediate needs no disk; the postmaster itself gives its
# children 5 s on the way. Reached in order, so nothing outlives stop() by more than the sum.
STOPPING = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 7.0), (signal.SIGKILL, 5.0))

# Immediate, not fast: after the supervisor's death nobody is left to wait for a checkpoint, the directory is free for
# the next start in milliseconds, and recovery from the log took 0.1 s where measured.
DEATH_OF_PARENT = signal.SIGQUIT


class Account(NamedTuple):
    """A user other than the caller for the server to run as."""

    name: str
    uid: int
    gid: int


def server_account() -> Account | None:
    """Whom the server runs as: None is the caller; root's servers run as ``nobody``.

    Another service that runs as ``nobody`` on the same machine could read the cluster and connect to the server. Where
    there is one, start as a user made for the purpose instead of as root.

    Raises:
        SettingInvalid: this is root, and there is no such user.
    """
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(SERVER_USER)
    except KeyError:
        rule = f"empty, and root's embedded PostgreSQL runs as {SERVER_USER}, a user that is not here. "
        raise SettingInvalid("ZERO2PROD_DATABASE_URL", f"{rule}Set it, or start as an ordinary user.") from None
    return Account(SERVER_USER, entry.pw_uid, entry.pw_gid)


def environment() -> Mapping[str, str]:
    """Nothing of the caller's but the library path a custom Python may need: its secrets and ``PG*`` stay here."""
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    return {"LC_ALL": "C", "PATH": "/usr/local/bin:/usr/bin:/bin", **kept}


def guarded(command: Sequence[str], account: Account | None, death: signal.Signals) -> list[str]:
    """``command``, to be started by the calling thread: runs as ``account`` and gets ``death`` with that thread."""
    user, group = (account.uid, account.gid) if account else (-1, -1)
    script = str(Path(__file__).with_name("guarded.py"))
    return [sys.executable, "-I", "-S", script, *map(str, (os.getpid(), int(death), user, group)), *command]


def _start(
    command: Sequence[str], account: Account | None, death: signal.Signals, cwd: Path, output: int | IO[bytes]
) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        guarded(command, account, death),
        cwd=cwd,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # Ctrl-C at the terminal is the supervisor's to hear, not the server's
    )


def run(
    command: Sequence[str], account: Account | None, cwd: Path, output: int | IO[bytes] = subprocess.PIPE
) -> tuple[int, str]:
    """Runs ``command`` to its end; the exit code, and what it printed unless that went to a file."""
    with _start(command, account, signal.SIGKILL, cwd, output) as process:
        try:
            said, _ = process.communicate()
        except BaseException:
            process.kill()
            raise
    return process.returncode, (said or b"").decode(errors="replace")


def first_closed(path: Path, account: Account) -> Path | None:
    """The first part of the way to ``path`` that ``account`` may not pass; None if it gets there.

    Asked of the kernel by a shell of that user, because rights may come from lists no ``stat`` shows.
    """
    way = [*reversed(path.parents), path]
    script = 'for part in "$@"; do [ -x "$part" ] || { printf %s "$part"; exit 0; }; done'
    _, closed = run(["/bin/sh", "-c", script, "sh", *map(str, way)], account, Path("/"))
    return Path(closed) if closed else None


class Child:
    """A guarded program that goes on, in a session and a thread of its own."""

    def __init__(self, command: Sequence[str], account: Account | None, cwd: Path, log: IO[bytes]) -> None:
        started: Future[subprocess.Popen[bytes]] = Future()
        start = partial(_start, command, account, DEATH_OF_PARENT, cwd, log)
        self._exited = Event()
        Thread(target=self._live, args=(start, started), name="embedded-postgres", daemon=True).start()
        self._process = started.result()
        self.pid = self._process.pid

    def _live(self, start: Callable[[], "subprocess.Popen[bytes]"], started: "Future[subprocess.Popen[bytes]]") -> None:
        try:
            process = start()
        except OSError as error:
            started.set_exception(error)
            return
        started.set_result(process)
        process.wait()
        self._exited.set()

    def wait(self, seconds: float | None = None) -> int | None:
        """The exit code (negative: the signal that ended it), or None if it still runs after ``seconds``."""
        return self._process.returncode if self._exited.wait(seconds) else None

    def stop(self) -> None:
        """Ends it, gently first; returns when it is gone."""
        for signal_number, seconds in STOPPING:
            if self.wait(0) is not None:
                return
            self._process.send_signal(signal_number)
            self._exited.wait(seconds)
