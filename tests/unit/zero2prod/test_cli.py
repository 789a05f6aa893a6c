"""The command line: what it prints where, and by which status it ends."""

import asyncio
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import pytest

from tests.support import services
from tests.support.terminal import Terminal
from zero2prod import cli, runtime
from zero2prod.commands import terminal
from zero2prod_core.errors import DataDirectoryRefused, Defect, SettingInvalid, StoreUnavailable


def commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command's path, groups included."""
    yield path
    if isinstance(command, click.Group):
        for name, sub in command.commands.items():
            yield from commands(sub, (*path, name))


class TestUsage:
    @pytest.mark.parametrize("path", [*commands(cli.cli)], ids=" ".join)
    def test_every_command_explains_itself(self, typist: Terminal, path: Sequence[str]) -> None:
        for option in ("--help", "-h"):
            done = typist.type(*path, option)
            assert (done.status, done.err) == (0, "")
            assert done.out.startswith(f"Usage: zero2prod {' '.join(path)}".rstrip())
            assert len(done.out.splitlines()[2].strip()) > 20

    def test_it_tells_its_version(self, typist: Terminal) -> None:
        done = typist.type("--version")
        assert (done.status, done.err) == (0, "")
        assert "zero2prod" in done.out

    @pytest.mark.parametrize(
        "arguments",
        [
            (),
            ("frobnicate",),
            ("--frobnicate",),
            ("serve", "--port", "http"),
            ("serve", "--port", "0"),
            ("up", "--port", "65536"),
            ("up", "--workers", "0"),
            ("up", "--mailbox-port", "x"),
            ("worker", "now"),
            ("admin",),
            ("admin", "create"),
            ("admin", "create", "a", "b"),
            ("newsletters", "create", "daily"),
            ("issues", "publish", "--text", "a"),
            ("issues", "list", "--limit", "0"),
            ("issues", "show"),
        ],
    )
    def test_wrong_usage_is_one_line_and_ends_with_2(self, typist: Terminal, arguments: Sequence[str]) -> None:
        assert re.search(
            r" (Write|Commands are): .*\. More: zero2prod [a-z ]*--help$", typist.refused(*arguments, status=2)
        )

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ((), "a command is missing. Commands are: admin, doctor, issues,"),
            (("isues",), "no such command 'isues'. Did you mean 'issues'? Commands are: "),
            (("up", "--prot", "1"), "no such option '--prot'. Did you mean '--port'? Write: zero2prod up [OPTIONS]. "),
            (
                ("issues", "list", "--data-dir", "data"),
                "no such option '--data-dir'. It stands before the command. Write: zero2prod --data-dir DIR issues",
            ),
            (
                ("newsletters", "edit", "default", "Write"),
                "got unexpected extra argument (Write). Write: zero2prod newsletters edit [OPTIONS] SLUG. ",
            ),
            (("admin", "create"), "missing argument 'USERNAME'. Write: zero2prod admin create [OPTIONS] USERNAME. "),
        ],
    )
    def test_what_would_be_right_is_told(self, typist: Terminal, arguments: Sequence[str], said: str) -> None:
        assert typist.refused(*arguments, status=2).startswith(said)

    def test_the_help_names_the_port_that_is_taken_by_itself(self, typist: Terminal) -> None:
        assert "ZERO2PROD_HTTP_PORT, else 8000" in " ".join(typist.type("up", "--help").out.split())

    def test_an_interrupt_is_no_traceback(self, typist: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
        def interrupted(_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(cli.cli.commands["migrate"], "callback", lambda **_: interrupted(None))
        done = typist.type("migrate")
        assert (done.status, done.out, done.err.strip()) == (130, "", "zero2prod: stopped.")

    def test_a_process_does_the_same(self) -> None:
        done = services.run("newsletters", "list", settings={"HTTP_PORT": "none"})
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == "zero2prod: ZERO2PROD_HTTP_PORT: cannot be 'none'. Give a whole number.\n"


class TestEnds:
    @pytest.mark.parametrize(
        ("error", "status", "said"),
        [
            (SettingInvalid("ZERO2PROD_X", "cannot be 1."), 2, "ZERO2PROD_X: cannot be 1."),
            (DataDirectoryRefused("/data", "in use", "Stop it"), 2, "data directory /data: in use. Stop it."),
            (StoreUnavailable(), 1, "The database does not answer. Try again in a few seconds."),
            (Defect("odd"), 1, "odd"),
            (asyncio.CancelledError(), 130, "stopped at once, at the second signal."),
        ],
    )
    def test_whatever_is_refused_becomes_one_line(
        self, typist: Terminal, monkeypatch: pytest.MonkeyPatch, error: BaseException, status: int, said: str
    ) -> None:
        def broken(**_: object) -> None:
            raise error

        monkeypatch.setattr(cli, "cli", broken)
        assert typist.refused(status=status) == said

    def test_a_result_that_cannot_be_written_is_a_failure(
        self, typist: Terminal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(**_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(cli, "cli", full)
        assert "No space left on device" in typist.refused()

    def test_an_impossible_setting_is_wrong_set_up(self, typist: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ZERO2PROD_HTTP_PORT", "x")
        assert typist.refused("newsletters", "list", status=2).startswith("ZERO2PROD_HTTP_PORT: cannot be 'x'.")

    def test_a_file_of_settings_is_read_where_the_command_is_typed(self, typist: Terminal) -> None:
        Path("zero2prod.toml").write_text("[http]\nprot = 1\n")
        assert typist.refused("newsletters", "list", status=2).startswith(
            "zero2prod.toml: has no setting for http.prot"
        )

    def test_without_a_database_nothing_is_done(self, typist: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(terminal, "running", runtime.running)
        assert typist.refused("newsletters", "list", status=2).startswith(
            "ZERO2PROD_DATABASE_URL and ZERO2PROD_SECRET_KEYS: are missing, and no `up` runs on "
        )
        monkeypatch.setenv("ZERO2PROD_SECRET_KEYS", "11" * 32)
        assert typist.refused("newsletters", "list", status=2).startswith("ZERO2PROD_DATABASE_URL: is missing, and")


def test_whoever_has_no_name_on_this_machine_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr("getpass.getuser", nameless)
    assert terminal.terminal().actor.id == "unknown"
