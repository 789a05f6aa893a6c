"""Server processes of an earlier life."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from adapters_postgres.embedded import leftovers
from adapters_postgres.embedded.leftovers import await_departure, postmaster_of, working_in
from tests.support.waiting import PATIENCE
from zero2prod_core.errors import DataDirectoryRefused

Pretend = Callable[[], "subprocess.Popen[bytes]"]


@pytest.fixture
def pretend(tmp_path: Path) -> Iterator[Pretend]:
    """Starts a program called postgres that works in the test's directory."""
    program = tmp_path / "postgres"
    shutil.copy("/bin/sleep", program)
    started: list[subprocess.Popen[bytes]] = []

    def start() -> "subprocess.Popen[bytes]":
        started.append(subprocess.Popen([program, "60"], cwd=tmp_path))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_the_number_of_a_server_and_of_a_single_user_one(tmp_path: Path) -> None:
    assert postmaster_of(tmp_path) is None
    for text, number in (("4711\n/data\n", 4711), ("-4711\n", 4711), ("", None), ("\x00", None)):
        (tmp_path / "postmaster.pid").write_text(text)
        assert postmaster_of(tmp_path) == number


def test_only_servers_that_work_in_the_directory_count(tmp_path: Path, pretend: Pretend) -> None:
    bystander = subprocess.Popen(["/bin/sleep", "60"], cwd=tmp_path)
    try:
        server = pretend()
        assert working_in(tmp_path) == [server.pid]
    finally:
        bystander.kill()
        bystander.wait()


def test_backends_without_their_server_are_ended(tmp_path: Path, pretend: Pretend) -> None:
    orphans = [pretend(), pretend()]
    (tmp_path / "postmaster.pid").write_text("99999999\n")
    await_departure(tmp_path, tmp_path)
    assert [orphan.wait(PATIENCE) for orphan in orphans] == [-signal.SIGKILL] * 2


def test_a_living_server_is_waited_for_and_then_named(
    tmp_path: Path, pretend: Pretend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftovers, "LEFTOVERS_GONE_S", 0.05)
    server = pretend()
    (tmp_path / "postmaster.pid").write_text(f"{server.pid}\n")
    with pytest.raises(DataDirectoryRefused, match=f"{tmp_path}: in use by process {server.pid}"):
        await_departure(tmp_path, tmp_path)
    assert server.poll() is None


def test_a_number_nobody_has_is_left_to_postgresql(tmp_path: Path) -> None:
    noted = tmp_path / "postmaster.pid"
    noted.write_text("99999999\n")
    await_departure(tmp_path, tmp_path)
    assert noted.exists()
    noted.write_text(f"{os.getpid()}\n")
    await_departure(tmp_path, tmp_path)
    assert not noted.exists()


def test_a_process_that_ended_meanwhile_needs_no_killing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = iter([[99999999], []])
    monkeypatch.setattr(leftovers, "working_in", lambda _: next(seen))
    await_departure(tmp_path, tmp_path)
    assert next(seen, None) is None
