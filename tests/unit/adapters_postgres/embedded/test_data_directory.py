"""The data directory: defaults, refusals, the lock, the socket's place."""

import errno
import os
import stat
from pathlib import Path

import pytest

from adapters_postgres.embedded import data_directory
from adapters_postgres.embedded.data_directory import (
    DataDirectory,
    Lock,
    default_data_dir,
    make_socket_directory,
    plain_refusals,
    remove_socket_directory,
)
from adapters_postgres.embedded.processes import server_account
from zero2prod_core.errors import DataDirectoryRefused


@pytest.mark.parametrize(
    ("user", "platform", "xdg", "expected"),
    [
        (0, "linux", "/elsewhere", "/var/lib/zero2prod"),
        (1000, "linux", "/elsewhere", "/elsewhere/zero2prod"),
        (1000, "linux", "", "/home/ada/.local/share/zero2prod"),
        (1000, "linux", "relative", "/home/ada/.local/share/zero2prod"),
        (1000, "darwin", "", "/home/ada/Library/Application Support/zero2prod"),
    ],
)
def test_the_default_is_the_platforms(
    user: int, platform: str, xdg: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setenv("XDG_DATA_HOME", xdg)
    assert default_data_dir() == Path(expected)


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.EACCES, "Give it to this user, or choose another with --data-dir."),
        (errno.EROFS, "Mount its disk for writing, or choose another with --data-dir."),
        (errno.ENOSPC, "Free some space on its disk, or choose another with --data-dir."),
        (errno.ENOTDIR, "Choose another with --data-dir."),
    ],
)
def test_what_the_system_refuses_is_one_line_with_its_remedy(number: int, remedy: str) -> None:
    with pytest.raises(DataDirectoryRefused) as refused, plain_refusals(Path("/data")):
        raise OSError(number, os.strerror(number), "/data/lock")
    assert str(refused.value) == f"data directory /data: cannot be used: {os.strerror(number)} (/data/lock). {remedy}"
    assert refused.value.code == "data_directory_refused"


def test_a_refusal_of_the_system_without_a_file() -> None:
    with pytest.raises(DataDirectoryRefused, match=r"cannot be used: odd\. Choose"), plain_refusals(Path("/data")):
        raise OSError("odd")


def test_directories_of_an_ordinary_user_are_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o777)
    try:
        DataDirectory(tmp_path / "share/zero2prod", None).prepare()
    finally:
        os.umask(before)
    for part in ("share", "share/zero2prod"):
        assert stat.S_IMODE((tmp_path / part).stat().st_mode) == 0o700


def test_the_lock_is_for_one_and_names_its_holder(tmp_path: Path) -> None:
    held = Lock(tmp_path)
    with pytest.raises(DataDirectoryRefused, match="in use by another process"):
        Lock(tmp_path)
    held.note(tmp_path / "sockets")
    with pytest.raises(DataDirectoryRefused, match=f"in use by process {os.getpid()}. Stop it"):
        Lock(tmp_path)
    held.release()
    later = Lock(tmp_path)
    assert later.earlier_sockets == ""
    later.release()


def test_a_lock_tells_where_a_killed_holder_had_its_sockets(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("99999999\n/run/zero2prod-abc\n")
    lock = Lock(tmp_path)
    assert lock.earlier_sockets == "/run/zero2prod-abc"
    lock.release()


def test_a_link_in_place_of_the_lock_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "victim")
    with pytest.raises(OSError, match="symbolic"):
        Lock(tmp_path)
    assert not (tmp_path / "victim").exists()


def test_the_sockets_place_is_short_and_private(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", "/" + "long/" * 40)
    made = make_socket_directory(server_account())
    (made / ".s.PGSQL.5432").touch()
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    assert len(str(made / ".s.PGSQL.5432")) < 100
    remove_socket_directory(made)
    assert not made.exists()


def test_without_a_place_for_the_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_directory, "SOCKET_PARENTS", ("/nowhere",))
    with pytest.raises(FileNotFoundError, match="no place for a socket"):
        make_socket_directory(None)


def test_only_directories_of_our_own_making_are_removed(tmp_path: Path) -> None:
    for name in ("zero2prod-abc", "other"):
        (tmp_path / name).mkdir()
        remove_socket_directory(tmp_path / name)
        assert (tmp_path / name).exists()
