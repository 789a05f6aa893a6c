"""The command where the server is installed, where it is not, and where we made a mistake."""

import sys
from types import ModuleType

import pytest

from zero2prod import __main__


def command_that(monkeypatch: pytest.MonkeyPatch, missing: str | None) -> list[str]:
    """Put a command line in place that runs, or that lacks the module ``missing``; returns what it notes."""
    notes: list[str] = []

    def main() -> None:
        notes.append("ran")
        if missing:
            raise ModuleNotFoundError(f"No module named {missing!r}", name=missing)

    cli = ModuleType("zero2prod.cli")
    cli.main = main  # type: ignore[attr-defined]  # a module made on the spot has no attributes to the type checker
    monkeypatch.setitem(sys.modules, "zero2prod.cli", cli)
    monkeypatch.setattr("zero2prod.cli", cli, raising=False)
    return notes


def test_the_command_line_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    notes = command_that(monkeypatch, missing=None)
    __main__.main()
    assert notes == ["ran"]


@pytest.mark.parametrize("module", ["click", "psycopg.rows"])
def test_without_the_server_one_line_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], module: str
) -> None:
    command_that(monkeypatch, missing=module)
    with pytest.raises(SystemExit) as ended:
        __main__.main()
    said = capsys.readouterr()
    assert ended.value.code == 2
    assert said.out == ""
    assert said.err == (
        f"zero2prod: the server is not installed (there is no module {module}); "
        "install it by: pip install 'zero2prod[server]'\n"
    )


@pytest.mark.parametrize("module", ["zero2prod.containr", "adapters_http.rotues", "asyncio.taks", ""])
def test_a_mistake_of_ours_is_not_taken_for_a_missing_package(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    command_that(monkeypatch, missing=module or None)
    if not module:
        monkeypatch.setattr("zero2prod.cli.main", _raise_without_a_name)
    with pytest.raises(ModuleNotFoundError):
        __main__.main()


def _raise_without_a_name() -> None:
    raise ModuleNotFoundError("without a name")
