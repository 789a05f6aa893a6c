"""What ``up`` tells the terminal besides its places, which tests/unit/test_docs_screens.py compares."""

import sys
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from zero2prod import calling, supervisor
from zero2prod.settings import HttpSettings, MailSettings, Settings, Transport
from zero2prod.settings_worker import WorkerSettings
from zero2prod_core.errors import SettingInvalid


@pytest.fixture
def usual(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data directory that is taken by itself."""
    directory = Path("/usual")
    for module in (calling, supervisor):
        monkeypatch.setattr(module, "default_data_dir", lambda: directory)
    monkeypatch.setattr(sys, "argv", [".venv/bin/zero2prod"])
    return directory


async def announced(data_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What is said on stderr."""

    async def no_link(_: Settings) -> None:
        return None

    monkeypatch.setattr(supervisor, "_set_up_link", no_link)
    await supervisor._announce(Settings(), None, supervisor.Plan(data_dir, None, 1))
    return capsys.readouterr().err.splitlines()


async def test_the_second_terminal_needs_no_directory_that_is_the_usual_one(
    usual: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = await announced(usual, monkeypatch, capsys)
    assert said == ["Ctrl-C stops everything; the data stays in /usual."]


@pytest.mark.usefixtures("usual")
async def test_of_another_directory_the_second_terminal_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, _ = await announced(Path("/other"), monkeypatch, capsys)
    assert first == "Other commands, in a second terminal: .venv/bin/zero2prod --data-dir /other …"


@pytest.mark.usefixtures("usual")
@pytest.mark.parametrize(
    ("mail", "place"),
    [
        (MailSettings(smtp_url="smtp://ada:secret@relay.example.com:2525"), "relay.example.com:2525"),
        (MailSettings(transport=Transport.POSTMARK), "Postmark"),
        (MailSettings(transport=Transport.CONSOLE), "this terminal"),
    ],
)
async def test_where_mail_goes_is_said_without_a_secret(
    mail: MailSettings, place: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def no_link(_: Settings) -> None:
        return None

    monkeypatch.setattr(supervisor, "_set_up_link", no_link)
    await supervisor._announce(Settings(mail=mail), None, supervisor.Plan(Path("/usual"), None, 1))
    said = capsys.readouterr().out
    assert f"Mail     {place}\n         Every mail goes there.\n" in said
    assert "secret" not in said


class Server:
    """Stands for the database that would be started."""

    pid = 1
    url = owner_url = "postgresql://127.0.0.1/here"

    def __init__(self, _: Path) -> None: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...


async def said_at_a_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, terminal: bool) -> None:
    monkeypatch.setattr(supervisor, "EmbeddedPostgres", Server)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    async with AsyncExitStack() as stack:
        await supervisor._with_database(Settings(), supervisor.Plan(tmp_path, None, 1), stack)


@pytest.mark.parametrize(("terminal", "said"), [(True, "Making the database (once)…\n"), (False, "")])
async def test_who_waits_at_a_terminal_is_told_that_a_database_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], terminal: bool, said: str
) -> None:
    await said_at_a_start(tmp_path, monkeypatch, terminal=terminal)
    assert capsys.readouterr().err == said


async def test_a_later_start_makes_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "postgres" / "data").mkdir(parents=True)
    await said_at_a_start(tmp_path, monkeypatch, terminal=True)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("port", "workers"), [(65_535, 2), (65_534, 3), (65_505, 32)])
async def test_ports_of_workers_that_there_are_not_are_told_before_anything_starts(
    tmp_path: Path, port: int, workers: int
) -> None:
    settings = Settings(http=HttpSettings(port=0), worker=WorkerSettings(port=port))
    rule = f"ZERO2PROD_WORKER_PORT: cannot be {port} with {workers} workers, .* Give at most {65_536 - workers}, or"
    with pytest.raises(SettingInvalid, match=rule):
        await supervisor.up(settings, supervisor.Plan(tmp_path / "data", None, workers))
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(("port", "workers"), [(0, 32), (65_535, 1), (65_504, 32)])
def test_ports_of_workers_that_there_are_are_taken(port: int, workers: int) -> None:
    supervisor._check_worker_ports(port, workers)
    assert port + workers - 1 <= supervisor.LAST_PORT


async def test_a_key_that_cannot_sign_is_told_before_anything_starts(tmp_path: Path) -> None:
    settings = Settings(http=HttpSettings(port=0), mail=MailSettings(dkim_keys=f"mail={tmp_path / 'none.pem'}"))
    with pytest.raises(SettingInvalid, match=r"ZERO2PROD_MAIL_DKIM_KEYS: names .* cannot be read"):
        await supervisor.up(settings, supervisor.Plan(tmp_path / "data", None, 1))
    assert not (tmp_path / "data").exists()
