"""What a running ``up`` leaves for commands beside it."""

import stat
from pathlib import Path

from zero2prod.running_settings import NAME, published, read

ENVIRONMENT = {"ZERO2PROD_DATABASE_URL": "postgresql:///x", "ZERO2PROD_SECRET_KEYS": "ab" * 32, "PATH": "/bin"}


def test_only_our_settings_are_told_and_only_for_as_long_as_it_runs(tmp_path: Path) -> None:
    with published(tmp_path, ENVIRONMENT):
        assert read(tmp_path) == {name: value for name, value in ENVIRONMENT.items() if name != "PATH"}
    assert read(tmp_path) == {}


def test_nobody_else_may_read_the_keys(tmp_path: Path) -> None:
    with published(tmp_path, ENVIRONMENT):
        assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o600


def test_what_a_killed_one_left_is_replaced(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text("{")
    assert read(tmp_path) == {}
    with published(tmp_path, ENVIRONMENT):
        assert read(tmp_path)["ZERO2PROD_DATABASE_URL"] == "postgresql:///x"
