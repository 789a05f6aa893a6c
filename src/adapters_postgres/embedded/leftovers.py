"""Server processes of an earlier life: how they are found, waited for and, where orphaned, ended."""

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from adapters_postgres.embedded.data_directory import in_use

LEFTOVERS_GONE_S = 10.0  # the postmaster kills children that ignore an immediate shutdown after 5 s
LOOK_AGAIN_S = 0.02  # reading all of /proc costs about 1 ms


def working_in(cluster: Path) -> list[int]:
    """The processes of any server on this directory that this user may see; always empty where there is no /proc.

    Every server process works in its data directory and runs a program called postgres, so a number that another
    program has taken over since is not mistaken for one.
    """
    place = cluster.resolve()
    return [int(process.name) for process in Path("/proc").glob("[0-9]*") if _serves(process, place)]


def _serves(process: Path, cluster: Path) -> bool:
    try:
        if (process / "cwd").readlink() != cluster:
            return False
        return (process / "exe").readlink().name.startswith("postgres")
    except OSError:  # it has just ended, or it is another user's and so not ours
        return False


def postmaster_of(cluster: Path) -> int | None:
    """The number in ``postmaster.pid``, dead or alive; a single-user server writes it negative."""
    try:
        return abs(int((cluster / "postmaster.pid").read_text(errors="replace").split("\n", 1)[0]))
    except (FileNotFoundError, ValueError):
        return None


def await_departure(cluster: Path, data_dir: Path) -> None:
    """Returns once no process of an earlier server works in ``cluster``. The caller holds the directory's lock.

    A server whose supervisor was killed is on its way out and is waited for. Backends whose postmaster was killed are
    ended: a busy one would go on writing, and PostgreSQL rightly refuses to start beside it. A server that stays was
    started by somebody else.

    Raises:
        DataDirectoryRefused: it still runs after ``LEFTOVERS_GONE_S``; names its process.
    """
    deadline = time.monotonic() + LEFTOVERS_GONE_S
    while pids := working_in(cluster):
        postmaster = postmaster_of(cluster)
        if time.monotonic() > deadline:
            raise in_use(data_dir, str(postmaster or pids[0]))
        if postmaster not in pids:
            _kill(pids)
        time.sleep(LOOK_AGAIN_S)
    _forget_reused_number(cluster)


def _kill(pids: Sequence[int]) -> None:
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def _forget_reused_number(cluster: Path) -> None:
    """Removes a ``postmaster.pid`` whose number now belongs to another program, which PostgreSQL takes for a server.

    Common after a reboot and in containers. A number nobody has is left to PostgreSQL, with its own checks.
    """
    pid = postmaster_of(cluster)
    if pid and Path(f"/proc/{pid}").exists():
        (cluster / "postmaster.pid").unlink()
