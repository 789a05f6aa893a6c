"""How the server's programs are started."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from adapters_postgres.embedded import processes
from adapters_postgres.embedded.processes import Child, environment, first_closed, run, server_account
from tests.support.waiting import until
from zero2prod_core.errors import SettingInvalid


def test_an_ordinary_users_server_runs_as_that_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert server_account() is None


def test_roots_server_runs_as_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    account = server_account()
    assert account
    assert account.name == "nobody"
    assert account.uid > 0


def test_root_without_a_user_for_the_server_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(processes, "SERVER_USER", "no-such-user")
    with pytest.raises(SettingInvalid, match=r"a user that is not here\. Set it, or start as"):
        server_account()


def test_nothing_of_the_callers_environment_goes_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGDATA", "/elsewhere")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/opt/python/lib")
    assert set(environment()) == {"LC_ALL", "PATH", "LD_LIBRARY_PATH"}


def test_a_programs_code_and_words(tmp_path: Path) -> None:
    assert run(["/bin/sh", "-c", "pwd; echo bad >&2; exit 3"], None, tmp_path) == (3, f"{tmp_path}\nbad\n")


def test_an_interrupted_program_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []

    def interrupted(process: subprocess.Popen[bytes]) -> None:
        started.append(process)
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess.Popen, "communicate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(["/bin/sleep", "60"], None, tmp_path)
    assert started[0].returncode == -signal.SIGKILL


def test_a_child_ends_by_the_first_signal_it_heeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "STOPPING", ((signal.SIGINT, 0.0), (signal.SIGQUIT, 0.0), (signal.SIGKILL, 10.0)))
    stubborn = "trap '' INT QUIT; echo ready; while :; do sleep 60; done"
    with (tmp_path / "log").open("wb") as log:
        child = Child(["/bin/sh", "-c", stubborn], None, tmp_path, log)
    assert until(lambda: (tmp_path / "log").read_text() == "ready\n")
    assert child.wait(0) is None
    child.stop()
    assert child.wait(0) == -signal.SIGKILL
    child.stop()


def test_a_child_that_cannot_be_started_is_told_to_its_starter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "no-python"))
    with (tmp_path / "log").open("wb") as log, pytest.raises(FileNotFoundError):
        Child(["/bin/true"], None, tmp_path, log)


@pytest.mark.root
def test_the_first_directory_another_user_may_not_pass(tmp_path: Path) -> None:
    account = server_account()
    assert account
    assert first_closed(Path("/usr/bin"), account) is None
    assert tmp_path.is_relative_to(first_closed(tmp_path, account) or tmp_path / "none")
