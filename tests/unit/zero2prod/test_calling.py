"""What is told to type is what can be typed."""

import shutil
import sys
from pathlib import Path

import pytest

from zero2prod import calling
from zero2prod.calling import as_called, program

REMEDY = "Run: zero2prod migrate. Or start `zero2prod up`, or run the zero2prod that made it"


@pytest.fixture(autouse=True)
def usual(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["zero2prod"])
    monkeypatch.setattr(calling, "default_data_dir", lambda: Path("/usual"))


@pytest.mark.parametrize(
    ("typed", "found", "told"),
    [
        ("zero2prod", None, "zero2prod"),
        (".venv/bin/zero2prod", None, ".venv/bin/zero2prod"),
        ("/opt/bin/zero2prod", "/opt/bin/zero2prod", "zero2prod"),
        ("/opt/bin/zero2prod", "/usr/bin/zero2prod", "/opt/bin/zero2prod"),
        ("/my programs/zero2prod", None, "'/my programs/zero2prod'"),
        ("/opt/zero2prod/__main__.py", None, "zero2prod"),
        ("pytest", None, "zero2prod"),
    ],
)
def test_the_program_is_told_as_it_was_typed(
    monkeypatch: pytest.MonkeyPatch, typed: str, found: str | None, told: str
) -> None:
    monkeypatch.setattr(sys, "argv", [typed])
    monkeypatch.setattr(shutil, "which", lambda _: found)
    assert program() == told


@pytest.mark.parametrize(
    ("directory", "told"),
    [("/usual", "zero2prod"), ("/other", "zero2prod --data-dir /other"), ("/a b", "zero2prod --data-dir '/a b'")],
)
def test_a_directory_is_told_where_it_is_not_the_usual_one(directory: str, told: str) -> None:
    assert program(Path(directory)) == told


def test_commands_in_a_text_are_replaced_and_words_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    assert as_called(REMEDY) == REMEDY
    monkeypatch.setattr(sys, "argv", ["./zero2prod"])
    assert as_called(REMEDY, Path("/d")) == (
        "Run: ./zero2prod --data-dir /d migrate. Or start `./zero2prod --data-dir /d up`, "
        "or run the zero2prod that made it"
    )


def test_a_command_that_names_its_directory_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["zero2prod", "--data-dir", "/a b", "issues", "list"])
    start = "Start it with: zero2prod up --data-dir /d"
    assert as_called(start) == start
    assert as_called("Start it with: zero2prod up") == "Start it with: zero2prod --data-dir '/a b' up"
