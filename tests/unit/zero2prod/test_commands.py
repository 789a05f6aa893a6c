"""The command line over a store in memory: what it prints where, and by which status it ends."""

import asyncio
import io
import json
import sys
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import attrs
import click
import pytest

from tests.support import services
from tests.support.builders import origin
from tests.support.core import ADA, PASSWORD, SENT, Core, token_in
from zero2prod import cli, logs, running_settings, runtime, supervisor
from zero2prod.commands import terminal
from zero2prod.container import Container
from zero2prod.runtime import Runtime
from zero2prod.settings import Settings
from zero2prod.worker import Drained
from zero2prod_core.domain.deliveries import Reply, SenderFault
from zero2prod_core.domain.origins import ActorKind
from zero2prod_core.errors import DataDirectoryRefused, Defect, SettingInvalid, StoreUnavailable

Result = TypeVar("Result")


@attrs.frozen
class Done:
    """A command that has ended."""

    status: int
    out: str
    err: str

    @property
    def told(self) -> Any:  # noqa: ANN401 - whatever the command tells
        return json.loads(self.out)


def nothing(*_: object) -> None:
    """Log nowhere."""


class Terminal:
    """Types commands over one core."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.core = Core()
        self.settings: Settings | None = None
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        monkeypatch.setattr(logs, "configure", nothing)
        monkeypatch.setattr(terminal, "running", self._running)
        monkeypatch.setattr(terminal, "default_data_dir", lambda: Path("no-up-runs-here"))

    @asynccontextmanager
    async def _running(self, settings: Settings) -> AsyncIterator[Runtime]:
        self.settings = settings
        yield Runtime(self.core.application, settings, Container(settings=settings))

    def type(self, *arguments: str, stdin: bytes = b"") -> Done:
        self._monkeypatch.setattr(sys, "argv", ["zero2prod", *arguments])
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), "utf-8"))
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = self._capsys.readouterr()
        return Done(ended.value.code if isinstance(ended.value.code, int) else 0, said.out, said.err)

    def refused(self, *arguments: str, status: int = 1, stdin: bytes = b"") -> str:
        """The one line of a refusal."""
        done = self.type(*arguments, stdin=stdin)
        assert (done.status, done.out) == (status, "")
        assert done.err.startswith("zero2prod: ")
        assert done.err.count("\n") == 1
        return done.err.removeprefix("zero2prod: ").rstrip()


@pytest.fixture
def typist(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Terminal:
    monkeypatch.chdir(tmp_path)
    return Terminal(monkeypatch, capsys)


def commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command's path, groups included."""
    yield path
    if isinstance(command, click.Group):
        for name, sub in command.commands.items():
            yield from commands(sub, (*path, name))


def wait(work: Coroutine[Any, Any, Result]) -> Result:
    return asyncio.run(work)


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
    def test_wrong_usage_is_told_on_stderr_and_ends_with_2(self, typist: Terminal, arguments: Sequence[str]) -> None:
        done = typist.type(*arguments)
        assert (done.status, done.out) == (2, "")
        assert "Usage: zero2prod" in done.err
        assert "Traceback" not in done.err

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
        assert typist.refused("newsletters", "list", status=2).startswith("ZERO2PROD_DATABASE_URL: is missing.")


class TestRunningHere:
    """Where no database is given, commands are for the `up` that runs on this machine."""

    @pytest.fixture(autouse=True)
    def running(self, tmp_path: Path) -> None:
        (tmp_path / "data").mkdir()
        told = {"ZERO2PROD_DATABASE_URL": "postgresql://127.0.0.1/here", "ZERO2PROD_HTTP_PORT": "9000"}
        (tmp_path / "data" / running_settings.NAME).write_text(json.dumps(told))

    def test_its_settings_are_taken(self, typist: Terminal) -> None:
        assert typist.type("--data-dir", "data", "newsletters", "list").status == 0
        assert typist.settings
        assert typist.settings.database.url == "postgresql://127.0.0.1/here"
        assert typist.settings.http.port == 9000

    def test_unless_a_database_is_given(self, typist: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ZERO2PROD_DATABASE_URL", "postgresql://127.0.0.1/other")
        typist.type("--data-dir", "data", "newsletters", "list")
        assert typist.settings
        assert typist.settings.database.url == "postgresql://127.0.0.1/other"
        assert typist.settings.http.port == 8000


class TestAdmin:
    def test_creating_prints_a_link_that_opens_the_account(self, typist: Terminal) -> None:
        done = typist.type("admin", "create", "ursula", "--email", "ursula@example.com")
        assert (done.status, done.err) == (0, "")
        heading, link = done.out.splitlines()
        assert heading == "Open this link once, within 24 hours, to choose the password of ursula:"
        made = wait(typist.core.application.check_set_up_link(token_in(link)))
        assert made.email
        assert (made.username.text, made.email.text) == ("ursula", "ursula@example.com")

    def test_the_audit_log_says_that_it_was_done_from_a_terminal(self, typist: Terminal) -> None:
        typist.type("admin", "create", "ursula")
        assert {event.origin.actor.kind for event in wait(typist.core.audit())} == {ActorKind.TERMINAL}

    def test_without_an_e_mail_address_it_says_what_follows(self, typist: Terminal) -> None:
        done = typist.type("admin", "create", "ursula", "--json")
        assert done.status == 0
        assert done.told["username"] == "ursula"
        assert urlsplit(done.told["link"]).path == "/setup"
        assert done.err == "This account has no e-mail address, so it gets no mail.\n"

    def test_a_password_may_come_from_stdin(self, typist: Terminal) -> None:
        done = typist.type("admin", "create", "ursula", "--password-stdin", stdin=f"{PASSWORD}\r\nmore\n".encode())
        assert (done.status, done.out) == (0, "The password of ursula is set.\n")
        assert wait(typist.core.application.log_in(origin(), "ursula", PASSWORD)).text

    @pytest.mark.parametrize("stdin", [b"", b"\n", b"short\n", b"a sentence \xff of mine\n", b"000000123456789\n"])
    def test_one_that_is_not_acceptable_leaves_no_account(self, typist: Terminal, stdin: bytes) -> None:
        said = typist.refused("admin", "create", "ursula", "--password-stdin", stdin=stdin)
        assert said.startswith("--password-stdin: ")
        assert wait(typist.core.application.list_accounts()) == []

    @pytest.mark.parametrize(
        ("arguments", "field"),
        [(("-a-",), "username"), (("ursula", "--email", "nobody"), "email"), (("taken",), "username")],
    )
    def test_a_refusal_names_the_field(self, typist: Terminal, arguments: Sequence[str], field: str) -> None:
        wait(typist.core.account("taken", None))
        said = typist.refused("admin", "create", *arguments[1:], "--", arguments[0])
        assert said.startswith(f"{field}: ")

    def test_a_reset_link_is_for_accounts_that_exist(self, typist: Terminal) -> None:
        assert typist.refused("admin", "reset-password", "ursula") == "username: no account is called ursula."
        wait(typist.core.account())
        done = typist.type("admin", "reset-password", "ursula", "--json")
        assert wait(typist.core.application.check_set_up_link(token_in(done.told["link"]))).username.text == "ursula"

    def test_a_password_can_be_reset_from_stdin(self, typist: Terminal) -> None:
        wait(typist.core.account())
        done = typist.type("admin", "reset-password", "ursula", "--password-stdin", "--json", stdin=b"another sentence")
        assert done.told == {"username": "ursula", "link": None}
        assert wait(typist.core.application.log_in(origin(), "ursula", "another sentence")).text


class TestNewsletters:
    def test_one_that_is_created_stands_in_the_list(self, typist: Terminal) -> None:
        done = typist.type("newsletters", "create", "daily", "--name", "The Daily", "--sender", "daily@example.com")
        assert (done.status, done.out, done.err) == (0, "Created the newsletter daily.\n", "")
        assert typist.type("newsletters", "list").out == "daily\tThe Daily\ndefault\tNewsletter\n"

    def test_programs_get_every_field(self, typist: Terminal) -> None:
        made = typist.type(
            "newsletters", "create", "daily", "--name", "D", "--reply-to", "e@example.com", "--json"
        ).told
        assert made == typist.type("newsletters", "list", "--json").told[0]
        assert made.keys() == {"id", "slug", "name", "sender", "reply_to", "postal_address"}
        assert (made["reply_to"], made["sender"]) == ("e@example.com", None)

    def test_a_refusal_names_the_field(self, typist: Terminal) -> None:
        assert typist.refused("newsletters", "create", "default", "--name", "D").startswith("slug: default is taken")
        assert typist.refused("newsletters", "create", "The Daily", "--name", "D").startswith("slug: must be a slug")


class TestIssues:
    @pytest.fixture
    def words(self, tmp_path: Path) -> str:
        path = tmp_path / "words.txt"
        path.write_text("Слова ☕\n", encoding="utf-8")
        return str(path)

    def test_one_is_published_to_the_confirmed(self, typist: Terminal, words: str) -> None:
        wait(typist.core.confirmed(ADA))
        done = typist.type("issues", "publish", "--title", "News", "--text", words)
        (issue,) = wait(typist.core.application.list_issues())
        assert (done.status, done.out) == (0, f"Published {issue.id} to 1 subscribers.\n")
        (parcel,) = wait(typist.core.parcels(urgent=False))
        assert (parcel.letter.subject, parcel.letter.text, parcel.letter.html) == ("News", "Слова ☕\n", None)

    def test_with_one_key_it_is_published_once(self, typist: Terminal, words: str) -> None:
        arguments = ("issues", "publish", "--title", "News", "--html", words, "--idempotency-key", "k", "--json")
        assert typist.type(*arguments).told == typist.type(*arguments).told
        assert len(wait(typist.core.application.list_issues())) == 1
        assert typist.refused(*arguments, "--title", "Other").startswith("idempotency_key: already used")

    def test_without_a_key_every_call_publishes(self, typist: Terminal, words: str) -> None:
        for _ in range(2):
            typist.type("issues", "publish", "--title", "News", "--text", words)
        assert len(wait(typist.core.application.list_issues())) == 2

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (("--title", "News"), "text_content: missing"),
            (("--title", "", "--text", "words.txt"), "title: missing"),
            (("--title", "News", "--text", "nowhere"), "--text: cannot be read"),
            (("--title", "News", "--html", "."), "--html: cannot be read"),
            (("--title", "News", "--text", "latin"), "--text: latin is not in UTF-8. Save it as UTF-8."),
            (
                ("--title", "News", "--text", "words.txt", "--newsletter", "weekly"),
                "newsletter: there is no newsletter",
            ),
            (("--title", "News", "--text", "words.txt", "--newsletter", "The W"), "newsletter: must be a slug"),
            (("--title", "News", "--text", "words.txt", "--idempotency-key", ""), "idempotency_key: missing"),
        ],
    )
    def test_a_refusal_names_what_to_mend(
        self, typist: Terminal, words: str, arguments: Sequence[str], said: str
    ) -> None:
        Path("latin").write_bytes(b"\xe9t\xe9")
        assert typist.refused("issues", "publish", *arguments).startswith(said)
        assert wait(typist.core.application.list_issues()) == []

    def test_they_are_listed_newest_first(self, typist: Terminal) -> None:
        first, second = [wait(typist.core.published()) for _ in range(2)]
        assert typist.type("issues", "list").out == "".join(f"{i.id}\tsending\t0\tNews\n" for i in (second, first))
        listed = typist.type("issues", "list", "--limit", "1", "--json").told
        assert [found["id"] for found in listed] == [str(second.id)]

    def test_one_is_shown_with_its_sums(self, typist: Terminal) -> None:
        issue = wait(typist.core.published("a@example.com", "b@example.com"))
        wait(typist.core.send(wait(typist.core.parcels(urgent=False))[0], outcome=SENT))
        told = typist.type("issues", "show", str(issue.id), "--json").told
        assert (told["state"], told["audience"]) == ("sending", 2)
        assert issue.published_at == datetime.fromisoformat(told["published_at"])
        assert (told["sums"]["sent"], told["sums"]["leased"], told["sums"]["failed"]) == (1, 1, 0)
        lines = typist.type("issues", "show", str(issue.id)).out.splitlines()
        assert lines[:3] == ["News", "state\tsending", "audience\t2"]
        assert "sent\t1" in lines

    def test_a_paused_one_says_why(self, typist: Terminal) -> None:
        issue = wait(typist.core.published("a@example.com"))

        async def pause() -> None:
            async with typist.core.store() as tx:
                await tx.issues.save(attrs.evolve(issue, pause_reason="530 log in first"))

        wait(pause())
        assert "paused\t530 log in first" in typist.type("issues", "show", str(issue.id)).out

    def test_a_paused_one_is_resumed(self, typist: Terminal) -> None:
        issue = wait(typist.core.published("a@example.com"))
        wait(typist.core.send(*wait(typist.core.parcels(urgent=False)), outcome=SenderFault(Reply(530, "log in"))))
        done = typist.type("issues", "resume", str(issue.id))
        assert (done.status, done.out) == (0, f"Resumed {issue.id}.\n")
        assert typist.type("issues", "show", str(issue.id), "--json").told["state"] == "sending"
        assert typist.refused("issues", "resume", str(issue.id)) == "issue: cannot resume while sending."

    @pytest.mark.parametrize("command", ["show", "resume"])
    @pytest.mark.parametrize("id_", ["42", "00000000-0000-7000-8000-000000000009"])
    def test_one_that_does_not_exist_is_refused(self, typist: Terminal, command: str, id_: str) -> None:
        assert typist.refused("issues", command, id_) == f"issue: there is no issue {id_}."


class TestServices:
    """Only that they are started with what was asked for; what they do then is tested elsewhere."""

    @pytest.fixture
    def started(self, monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
        """What was started, with its arguments."""
        notes: list[tuple[object, ...]] = []

        async def note(*arguments: object) -> None:
            notes.append(arguments)

        monkeypatch.setattr(runtime, "serve", note)
        monkeypatch.setattr(runtime, "work", note)
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
        self, typist: Terminal, started: list[object], monkeypatch: pytest.MonkeyPatch, command: str
    ) -> None:
        monkeypatch.delenv("ZERO2PROD_SECRET_KEYS")
        assert typist.refused(command, status=2).startswith("ZERO2PROD_SECRET_KEYS: is missing.")
        assert started == []

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

        monkeypatch.setattr(runtime, "drain", drain)

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


def test_whoever_has_no_name_on_this_machine_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr("getpass.getuser", nameless)
    assert terminal.terminal().actor.id == "unknown"
