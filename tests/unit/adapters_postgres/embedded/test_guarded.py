"""The program between fork and exec, called here in a process that goes on."""

import ctypes
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from adapters_postgres.embedded import guarded


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    made: list[tuple[Any, ...]] = []

    class Library:
        def prctl(self, *arguments: int) -> int:
            made.append(("prctl", *arguments))
            return 0

    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: Library())
    for name in ("setgroups", "setresgid", "setresuid", "execv"):
        monkeypatch.setattr(os, name, lambda *arguments, name=name: made.append((name, *arguments)))
    return made


def test_privileges_go_before_the_death_signal_which_their_change_would_clear(calls: list[tuple[Any, ...]]) -> None:
    guarded.main(str(os.getppid()), str(int(signal.SIGQUIT)), "1000", "100", "/bin/true", "-x")
    assert calls == [
        ("setgroups", []),
        ("setresgid", 100, 100, 100),
        ("setresuid", 1000, 1000, 1000),
        ("prctl", 1, 3, 0, 0, 0),
        ("execv", "/bin/true", ("/bin/true", "-x")),
    ]


def test_an_ordinary_user_stays_who_it_is(calls: list[tuple[Any, ...]]) -> None:
    guarded.main(str(os.getppid()), "3", "-1", "-1", "/bin/true")
    assert [call[0] for call in calls] == ["prctl", "execv"]


def test_a_parent_that_has_died_meanwhile_is_noticed(calls: list[tuple[Any, ...]]) -> None:
    with pytest.raises(SystemExit, match="process 0 ended before it could be watched"):
        guarded.main("0", "3", "-1", "-1", "/bin/true")
    assert [call[0] for call in calls] == ["prctl"]


def test_elsewhere_than_on_linux_the_program_runs_unguarded(
    calls: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    guarded.main("0", "3", "-1", "-1", "/bin/true")
    assert [call[0] for call in calls] == ["execv"]


def test_a_refused_death_signal_stops_the_launch(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match=r"FATAL:  cannot run /bin/true: .*prctl"):
        guarded.main(str(os.getppid()), "-1", "-1", "-1", "/bin/true")


def test_a_program_that_cannot_be_run_is_told_in_one_line() -> None:
    command = [sys.executable, "-I", "-S", str(Path(guarded.__file__)), str(os.getpid()), "3", "-1", "-1", "/nowhere"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "FATAL:  cannot run /nowhere: [Errno 2] No such file or directory\n"
