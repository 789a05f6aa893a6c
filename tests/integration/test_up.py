"""``zero2prod up``, as a person at a terminal has it: everything from one command, and nothing left after Ctrl-C."""

import asyncio
import dataclasses
import os
import signal
import socket
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from adapters_postgres.embedded.leftovers import postmaster_of
from tests.support.core import PASSWORD, token_in
from tests.support.http import Browser, browsing
from tests.support.parcels import words
from tests.support.ports import free_port
from tests.support.postgres import scratch_directory
from tests.support.services import run
from tests.support.supervisors import of_the_whole_server, ordinary
from tests.support.up import House, port_of, up
from tests.support.waiting import PATIENCE, until
from zero2prod import kept_keys


@pytest.fixture
def data_dir() -> Iterator[Path]:
    with scratch_directory() as directory:
        yield directory / "data"


async def choose_password(house: House) -> None:
    """Follow the set-up link, which works once."""
    link = house.addresses["Staff"].removeprefix(house.addresses["Site"].rstrip("/"))
    assert link.startswith("/setup?token=")
    assert (await house.site().ask(link)).status == 200
    form = {"token": token_in(link), "new_password": PASSWORD, "new_password_check": PASSWORD}
    first, second = [await house.site().ask("/setup", form) for _ in range(2)]
    assert (first.status, first.location) == (303, "/login")
    assert PASSWORD not in second.text
    assert (await house.site().ask(link)).status == 401


async def publish(browser: Browser) -> None:
    answer = await browser.post("/login", {"username": "admin", "password": PASSWORD})
    assert (answer.status, answer.location) == (303, "/admin/dashboard")
    assert "Welcome admin" in (await browser.get("/admin/dashboard")).text
    issue = {"title": "News 🚀", "text_content": "Some words.", "html_content": "", "idempotency_key": "1"}
    assert (await browser.post("/admin/newsletters", issue)).status == 303


PUBLIC = {"HTTP_BASE_URL": "http://198.51.100.7"}
"""A network address for documentation (RFC 5737): it is nobody's, so nothing there answers."""


def sockets_of(data_dir: Path) -> Path:
    """The private directory of the database's socket, as the lock names it."""
    return Path((data_dir / "lock").read_text().splitlines()[1])


async def test_a_first_and_a_later_start(data_dir: Path) -> None:
    with up(data_dir, "--data-dir", str(data_dir)) as house:
        assert f"second terminal: zero2prod --data-dir {data_dir} …" in house.service.said
        await choose_password(house)
        await house.site().confirm(await house.site().sign_up("ada@example.com"))
        waiting = await house.site().sign_up("eve@example.com")
        keys, sockets = data_dir / kept_keys.NAME, sockets_of(data_dir)
        assert stat.S_IMODE(keys.stat().st_mode) == 0o600
        made = keys.read_text()
        assert len(house.processes) >= 4
        assert house.service.stop(signal.SIGINT) == 0
        assert house.is_gone
        assert not sockets.exists()
        assert "Traceback" not in house.service.said
    with up(data_dir, "--data-dir", str(data_dir)) as house:
        assert house.addresses["Staff"].endswith("/admin/dashboard")
        assert keys.read_text() == made
        await house.site().confirm(waiting)
        async with browsing(port_of(house.addresses["Site"])) as browser:
            await publish(browser)
        for reader in ("ada@example.com", "eve@example.com"):
            assert words(await house.site().mail(reader, "News 🚀"), "plain").startswith("Some words.")
        beside = await asyncio.to_thread(run, "--data-dir", str(data_dir), "issues", "list", "--json")
        assert [issue["title"] for issue in orjson.loads(beside.stdout)] == ["News 🚀"]
        os.killpg(house.service.process.pid, signal.SIGINT)
        assert house.service.process.wait(PATIENCE) == 0
        assert house.is_gone
    after = await asyncio.to_thread(run, "--data-dir", str(data_dir), "issues", "list")
    assert (after.returncode, after.stderr.count("\n")) == (2, 1)
    assert f"no `up` runs on {data_dir}. Start it with: zero2prod up --data-dir {data_dir}" in after.stderr


async def test_a_killed_supervisor_takes_everything_with_it(data_dir: Path) -> None:
    with up(data_dir, "--data-dir", str(data_dir), "--workers", "2") as house:
        await house.site().confirm(await house.site().sign_up("ada@example.com"))
        assert len(house.processes) >= 5
        house.service.kill()
        assert house.is_gone
    with up(data_dir, "--data-dir", str(data_dir)) as house:
        await choose_password(house)
        async with browsing(port_of(house.addresses["Site"])) as browser:
            await publish(browser)
        assert await house.site().mail("ada@example.com", "News 🚀")


async def test_killed_parts_come_back(data_dir: Path) -> None:
    with up(data_dir, "--data-dir", str(data_dir)) as house:
        for number, name in enumerate(("serve", "worker", "postgres")):
            pid = postmaster_of(house.cluster) if name == "postgres" else house.part(name)
            assert pid
            os.kill(pid, signal.SIGKILL)
            assert until(lambda pid=pid: pid not in house.processes)  # type: ignore[misc] # mypy cannot infer its type
            assert await house.site().comes_back()
            assert await house.site().sign_up(f"reader-{number}@example.com")
        busy = run("up", "--port", str(free_port()), "--data-dir", str(data_dir))
        refused(busy, str(data_dir), f"in use by process {house.service.process.pid}", "--data-dir")
        assert house.service.stop(signal.SIGTERM) == 0
        assert house.is_gone


def working(data_dir: Path) -> int:
    """How many workers have begun, those included that have ended."""
    return (data_dir / "services.log").read_text().count('"working"')


async def test_of_two_workers_each_is_kept_by_itself_and_the_site_ends_before_them(data_dir: Path) -> None:
    with up(data_dir, "--data-dir", str(data_dir), "--workers", "2") as house:
        assert until(lambda: working(data_dir) == 2)
        killed, other = sorted(house.parts("worker"))
        os.kill(killed, signal.SIGKILL)
        assert until(lambda: len(house.parts("worker") - {killed}) == 2)
        assert other in house.parts("worker")
        assert len(house.parts("serve")) == 1
        assert await house.site().sign_up("ada@example.com")
        assert until(lambda: working(data_dir) == 3)
        assert house.service.stop(signal.SIGTERM) == 0
        assert house.is_gone
    events = [orjson.loads(line)["event"] for line in (data_dir / "services.log").read_text().splitlines()]
    assert [event for event in events if event in {"stopping", "stopped"}] == ["stopping", "stopped", "stopped"]


@pytest.mark.parametrize("workers", ["0", "33", "many"])
def test_a_number_of_workers_has_bounds(workers: str, data_dir: Path) -> None:
    done = run("up", "--workers", workers, "--data-dir", str(data_dir))
    refused(done, "'--workers'", "zero2prod up --help")
    assert not data_dir.exists()


async def test_a_public_site_is_told_what_it_lacks_and_a_second_ctrl_c_leaves_nothing_either(data_dir: Path) -> None:
    with up(data_dir, "--data-dir", str(data_dir), settings=PUBLIC) as house:
        assert until(lambda: "public URL" in house.service.said)
        os.kill(house.part("worker"), signal.SIGSTOP)
        house.service.process.send_signal(signal.SIGINT)
        assert until(lambda: "Stopping" in house.service.said)
        assert house.service.stop(signal.SIGINT) == 130
        assert house.is_gone
        assert "Traceback" not in house.service.said


@pytest.mark.root
async def test_an_ordinary_user_with_a_closed_home(data_dir: Path) -> None:
    place = data_dir.parent
    starter = ordinary(place, of_the_whole_server())
    home = place / "home"
    home.mkdir(mode=0o700)
    starter.owns(home)
    starter = dataclasses.replace(starter, environment={**starter.environment, "HOME": str(home), "XDG_DATA_HOME": ""})
    data_dir = home / ".local/share/zero2prod"
    with up(data_dir, starter=starter) as house:
        assert data_dir.owner() == starter.user
        assert stat.S_IMODE(data_dir.stat().st_mode) == 0o700
        assert house.users == {starter.user}
        await house.site().confirm(await house.site().sign_up("ada@example.com"))
        assert house.service.stop(signal.SIGINT) == 0
        assert house.is_gone


def refused(done: "subprocess.CompletedProcess[str]", *told: str) -> None:
    """Exit 2, and one line that names what is wrong and how to mend it."""
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("zero2prod: ")
    for each in told:
        assert each in line


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that another program listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


NO_DATABASE = {"DATABASE_URL": "postgresql://127.0.0.1:1/none"}


def test_a_port_in_use(taken: int, data_dir: Path) -> None:
    done = run("up", "--port", str(taken), "--data-dir", str(data_dir))
    refused(done, "ZERO2PROD_HTTP_PORT", f"port {taken} is in use", "--port")
    assert not data_dir.exists()
    keys = {"SECRET_KEYS": "00" * 32}
    refused(run("serve", "--port", str(taken), settings=NO_DATABASE | keys), f"port {taken} is in use", "--port")


def test_a_mailbox_port_in_use(taken: int, data_dir: Path) -> None:
    arguments = ("--port", str(free_port()), "--mailbox-port", str(taken), "--data-dir", str(data_dir))
    refused(run("up", *arguments, settings=NO_DATABASE), f"port {taken}", "in use", "choose another")


def test_a_data_directory_that_is_a_file(data_dir: Path) -> None:
    data_dir.touch()
    refused(run("up", "--port", str(free_port()), "--data-dir", str(data_dir)), str(data_dir), "--data-dir")


@pytest.mark.parametrize(
    ("setting", "value", "remedy"),
    [
        ("HTTP_PORT", "many", "a whole number"),
        ("HTTP_HOST", "203.0.113.7", "Choose a network address of this machine"),
        ("DATABASE_URL", "postgresql://[", "postgresql://user:password@host"),
        ("SECRET_KEYS", "beef", "at least 32"),
        ("MAIL_SMTP_URL", "http://relay", "Write smtp://"),
        ("DELIVERY_RENEWAL", "1h", "must be shorter than ZERO2PROD_DELIVERY_LEASE"),
        ("HTPP_PORT", 8000, "correct its spelling"),
    ],
)
def test_a_setting_that_cannot_be(data_dir: Path, setting: str, value: object, remedy: str) -> None:
    arguments = () if setting == "HTTP_PORT" else ("--port", str(free_port()))
    done = run("up", *arguments, "--data-dir", str(data_dir), settings={setting: value})
    refused(done, f"ZERO2PROD_{setting}", remedy)
    assert not data_dir.exists()


@pytest.mark.parametrize("command", ["serve", "worker", "migrate"])
def test_a_service_without_its_database(command: str) -> None:
    refused(run(command, settings={"SECRET_KEYS": "00" * 32}), "ZERO2PROD_DATABASE_URL", "missing", "zero2prod up")


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_a_service_without_keys(command: str) -> None:
    refused(run(command, settings=NO_DATABASE), "ZERO2PROD_SECRET_KEYS", "missing", "token_hex")
