"""Commands that start what runs: only that it is started with what was asked for."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.terminal import Terminal
from zero2prod import running_settings, runtime, sending, serving, supervisor
from zero2prod.settings import Settings
from zero2prod.worker import Drained


class TestServices:
    @pytest.fixture
    def started(self, monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
        """What was started, with its arguments."""
        notes: list[tuple[object, ...]] = []

        async def note(*arguments: object) -> None:
            notes.append(arguments)

        monkeypatch.setattr(serving, "serve", note)
        monkeypatch.setattr(sending, "work", note)
        monkeypatch.setattr(supervisor, "up", note)
        monkeypatch.setenv("ZERO2PROD_SECRET_KEYS", "11" * 32)
        return notes

    def test_the_site_listens_where_flags_say(self, typist: Terminal, started: list[tuple[Settings]]) -> None:
        assert typist.type("serve", "--host", "127.0.0.2", "--port", "9001").status == 0
        ((settings,),) = started
        assert (settings.http.host, settings.http.port) == ("127.0.0.2", 9001)

    @pytest.mark.parametrize("command", ["serve", "up"])
    def test_without_flags_the_environment_decides(
        self, typist: Terminal, started: list[tuple[Settings]], monkeypatch: pytest.MonkeyPatch, command: str
    ) -> None:
        monkeypatch.setenv("ZERO2PROD_HTTP_PORT", "9002")
        typist.type(command)
        assert started[0][0].http.port == 9002

    @pytest.mark.parametrize("command", ["serve", "worker"])
    def test_without_keys_they_do_not_start(
        self, typist: Terminal, monkeypatch: pytest.MonkeyPatch, command: str
    ) -> None:
        monkeypatch.setenv("ZERO2PROD_DATABASE_URL", "postgresql://127.0.0.1/none")
        assert typist.refused(command, status=2).startswith("ZERO2PROD_SECRET_KEYS: is missing.")

    @pytest.mark.parametrize("command", [("serve",), ("worker",), ("worker", "--drain")])
    def test_what_is_missing_is_named_at_once(self, typist: Terminal, command: Sequence[str]) -> None:
        said = typist.refused(*command, status=2)
        assert said.startswith("ZERO2PROD_DATABASE_URL and ZERO2PROD_SECRET_KEYS: are missing, and no `up` runs on ")

    @pytest.mark.parametrize("command", ["serve", "worker"])
    def test_they_join_the_one_that_runs_here(
        self, typist: Terminal, started: list[tuple[Settings]], tmp_path: Path, command: str
    ) -> None:
        url = "postgresql://127.0.0.1/here"
        (tmp_path / running_settings.NAME).write_text(json.dumps({"ZERO2PROD_DATABASE_URL": url}))
        assert typist.type("--data-dir", str(tmp_path), command).status == 0
        assert started[0][0].database.url == url

    def test_a_worker_works(self, typist: Terminal, started: list[tuple[Settings]]) -> None:
        assert typist.type("worker").status == 0
        assert len(started) == 1

    def test_everything_is_started_with_a_plan(
        self, typist: Terminal, started: list[tuple[Settings, supervisor.Plan]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HOME", "/home/ursula")
        typist.type("up", "--port", "9003", "--data-dir", "~/data", "--workers", "2", "--mailbox-port", "9004")
        ((settings, plan),) = started
        assert settings.http.port == 9003
        assert plan == supervisor.Plan(Path("/home/ursula/data"), 9004, 2)

    def test_a_relative_data_directory_is_made_absolute(
        self, typist: Terminal, started: list[tuple[Settings, supervisor.Plan]]
    ) -> None:
        typist.type("up", "--data-dir", "data")
        assert started[0][1].data_dir == Path.cwd() / "data"


class TestDraining:
    def drained(self, monkeypatch: pytest.MonkeyPatch, outcomes: dict[str, int], left: int) -> None:
        async def drain(_: Settings) -> Drained:
            return Drained(outcomes, left)

        monkeypatch.setattr(sending, "drain", drain)

    def test_what_was_tried_is_told(self, typist: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
        self.drained(monkeypatch, {"sent": 2, "deferred": 1}, 0)
        done = typist.type("worker", "--drain")
        assert (done.status, done.out, done.err) == (0, "deferred\t1\nsent\t2\n", "")
        assert typist.type("worker", "--drain", "--json").told == {"sent": 2, "deferred": 1}

    def test_nothing_due_is_well(self, typist: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
        self.drained(monkeypatch, {}, 0)
        assert typist.type("worker", "--drain").out == "Nothing was tried.\n"

    def test_what_is_left_is_a_failure_after_the_sums(self, typist: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
        self.drained(monkeypatch, {"throttled": 3}, 3)
        done = typist.type("worker", "--drain")
        assert (done.status, done.out) == (1, "throttled\t3\n")
        assert done.err == "zero2prod: 3 due mails could not be tried; they stay in the ledger.\n"


class TestMigrating:
    @pytest.fixture
    def applied(self, monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
        """Two migrations wait; what was migrated."""
        notes: list[Settings] = []
        monkeypatch.setattr(runtime, "pending_migrations", lambda _: [] if notes else ["0001_core", "0002_ledger"])
        monkeypatch.setattr(runtime, "migrate", notes.append)
        return notes

    def test_what_waits_is_applied_and_told(self, typist: Terminal, applied: list[Settings]) -> None:
        assert typist.type("migrate").out == "Applied 0001_core, 0002_ledger.\n"
        assert len(applied) == 1
        assert typist.type("migrate").out == "The schema is up to date.\n"

    def test_checking_changes_nothing(self, typist: Terminal, applied: list[Settings]) -> None:
        said = typist.refused("migrate", "--check")
        assert said == "the schema lacks 0001_core, 0002_ledger. Run: zero2prod migrate"
        assert applied == []
        applied.append(Settings())
        done = typist.type("migrate", "--check")
        assert (done.status, done.out) == (0, "The schema is up to date.\n")
