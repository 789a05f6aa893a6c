from collections import namedtuple
from pathlib import Path

import pytest

from tests.support.patients import patient
from zero2prod import kept_keys
from zero2prod.doctor import machine
from zero2prod.doctor.findings import Level
from zero2prod.testing.builders import KEY


def write(name: str, words: str, mode: int) -> None:
    Path(name).write_text(words)
    Path(name).chmod(mode)


class TestKeys:
    async def test_the_newest_is_named_and_none_is_shown(self) -> None:
        verdict = await machine.keys(patient())
        assert (verdict.level, verdict.says) == (Level.OK, f"1 listed, the newest is {KEY.id}")

    async def test_none_is_an_error(self) -> None:
        verdict = await machine.keys(patient(keys=""))
        assert verdict.level is Level.ERROR
        assert verdict.remedy.startswith("Give one in ZERO2PROD_SECRET_KEYS, made by: python ")


class TestSecretFiles:
    @pytest.fixture(autouse=True)
    def _elsewhere(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)

    @pytest.mark.parametrize(("mode", "level"), [(0o600, Level.OK), (0o640, Level.OK), (0o644, Level.WARNING)])
    async def test_a_file_that_a_setting_names(self, tmp_path: Path, mode: int, level: Level) -> None:
        secret = tmp_path / "relay"
        secret.touch(mode)
        secret.chmod(mode)
        verdict = await machine.secret_files(patient(environment={"ZERO2PROD_MAIL_SMTP_URL_FILE": str(secret)}))
        assert verdict.level is level
        assert (f"chmod o-rwx {secret}" in verdict.remedy) == (level is Level.WARNING)

    @pytest.mark.parametrize(
        ("words", "level"), [("[database]\nurl = 'x'\n", Level.WARNING), ("[http]\nport = 1\n", Level.OK)]
    )
    async def test_the_file_of_settings_counts_where_it_holds_a_secret(self, words: str, level: Level) -> None:
        write("zero2prod.toml", words, 0o644)
        assert (await machine.secret_files(patient())).level is level

    async def test_the_keys_that_up_keeps(self, tmp_path: Path) -> None:
        assert (await machine.secret_files(patient(data_dir=tmp_path))).level is Level.OK
        keys = tmp_path / kept_keys.NAME
        keys.touch()
        keys.chmod(0o604)
        verdict = await machine.secret_files(patient(data_dir=tmp_path))
        assert verdict.says == f"every user of this machine can read {keys}"


class TestRoom:
    @pytest.mark.parametrize(("free", "level"), [(2048, Level.OK), (512, Level.WARNING), (100, Level.ERROR)])
    async def test_little_is_told(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, level: Level
    ) -> None:
        usage = namedtuple("usage", "free")  # noqa: PYI024 - as shutil makes it
        monkeypatch.setattr("shutil.disk_usage", lambda _: usage(free * machine.MIB))
        verdict = await machine.room(patient(data_dir=tmp_path))
        assert (verdict.level, verdict.says) == (level, f"{free} MiB are free in {tmp_path}")

    async def test_without_a_data_directory_it_is_no_question(self, tmp_path: Path) -> None:
        for data_dir in (None, tmp_path / "none"):
            assert (await machine.room(patient(data_dir=data_dir))).level is Level.OK
