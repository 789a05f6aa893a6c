"""``zero2prod up``, as a person at a terminal has it: everything from one command, and nothing left after Ctrl-C."""

import asyncio
import dataclasses
import os
import re
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path

import attrs
import orjson
import pytest

from adapters_postgres.embedded.leftovers import postmaster_of, working_in
from tests.support.core import PASSWORD, token_in
from tests.support.http import Answer, Browser, browsing
from tests.support.parcels import parsed, words
from tests.support.postgres import scratch_directory
from tests.support.services import STARTS_WITHIN, Service, free_port, run, started
from tests.support.supervisors import NOTHING, Starter, of_the_whole_server, ordinary
from tests.support.waiting import eventually, until

# The promise is 5; tests/first_start.py holds it to that, without a tracer and with the machine for itself.
LATER_START_WITHIN = 10.0

# Postgres is given some seconds to end its children, a worker its mails.
GONE_WITHIN = 15.0

COMES_BACK_WITHIN = 15.0

ADDRESS = re.compile(r"^(Site|Staff|Mailbox) +(\S+)\n +\S.*\.$", re.MULTILINE)
LINK = re.compile(r"http://\S+/subscriptions/confirm\?\S+")


@attrs.frozen
class House:
    """A running ``up``. ``addresses`` are those it printed, by their names."""

    service: Service
    data_dir: Path
    addresses: Mapping[str, str]

    @property
    def cluster(self) -> Path:
        return self.data_dir / "postgres/data"

    @property
    def processes(self) -> set[int]:
        """All that run for it, told by an inherited mark and by the directory they work in."""
        return {*self.service.family, *working_in(self.cluster)}

    @property
    def users(self) -> set[str]:
        """Whose they are."""
        return {Path(f"/proc/{pid}").owner() for pid in self.processes}

    def part(self, name: str) -> int:
        """The process of ``serve`` or ``worker``."""
        (pid,) = [pid for pid, line in self.service.family.items() if line.endswith(f"-m zero2prod {name}")]
        return pid

    @property
    def is_gone(self) -> bool:
        return until(lambda: not self.processes, GONE_WITHIN)

    def site(self) -> "Visit":
        return Visit(self)


@attrs.frozen
class Visit:
    """What a person does with the site and the mailbox."""

    house: House

    async def ask(self, path: str, fields: Mapping[str, str] | None = None) -> Answer:
        async with browsing(_port(self.house.addresses["Site"])) as browser:
            return await (browser.get(path) if fields is None else browser.post(path, fields))

    async def sign_up(self, email: str) -> EmailMessage:
        """The confirmation mail, from the mailbox."""
        assert (await self.ask("/subscriptions", {"name": "Ada", "email": email})).status == 200
        return await self.mail(email, "Confirm")

    async def confirm(self, mail: EmailMessage) -> None:
        (link,) = LINK.findall(words(mail, "plain"))
        assert (await self.ask("/subscriptions/confirm", {"subscription_token": token_in(link)})).status == 200

    async def mail(self, email: str, subject: str) -> EmailMessage:
        """The one mail to this e-mail address with such a subject, once it has come."""
        found: list[int] = []
        async with browsing(_port(self.house.addresses["Mailbox"])) as browser:

            async def arrived() -> bool:
                mails = orjson.loads((await browser.get("/api/mails")).body)["mails"]
                found[:] = [mail["id"] for mail in mails if mail["to"] == [email] and subject in mail["subject"]]
                return bool(found)

            assert await eventually(arrived, COMES_BACK_WITHIN)
            (number,) = found
            return parsed((await browser.get(f"/api/mails/{number}/source")).body)

    async def comes_back(self) -> bool:
        """Whether the site takes a sign-up again in time, whatever is away at first."""
        return await eventually(self._works, COMES_BACK_WITHIN)

    async def _works(self) -> bool:
        try:
            return (await self.ask("/health/ready")).status == 200
        except OSError:
            return False


def _port(url: str) -> int:
    return int(url.split("/")[2].rpartition(":")[2])


@contextmanager
def up(
    data_dir: Path, *arguments: str, settings: Mapping[str, object] = NOTHING, starter: Starter | None = None
) -> Iterator[House]:
    """``zero2prod up`` on free ports, once it has printed where everything is."""
    ports = ("--port", str(free_port()), "--mailbox-port", str(free_port()))
    with started("up", *ports, *arguments, settings=settings, starter=starter) as service:
        assert until(lambda: "Ctrl-C" in service.said or service.process.poll() is not None, STARTS_WITHIN)
        addresses = dict(ADDRESS.findall(service.said))
        assert list(addresses) == ["Site", "Staff", "Mailbox"], service.said
        yield House(service, data_dir, addresses)


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
    assert "PASSWORD" not in second.text
    assert (await house.site().ask(link)).status == 401


async def publish(browser: Browser) -> None:
    answer = await browser.post("/login", {"username": "admin", "password": PASSWORD})
    assert (answer.status, answer.location) == (303, "/admin/dashboard")
    assert "Welcome admin" in (await browser.get("/admin/dashboard")).text
    issue = {"title": "News 🚀", "text_content": "Some words.", "html_content": "", "idempotency_key": "1"}
    assert (await browser.post("/admin/newsletters", issue)).status == 303


def sockets_of(data_dir: Path) -> Path:
    """The private directory of the database's socket, as the lock names it."""
    return Path((data_dir / "lock").read_text().splitlines()[1])


async def test_a_first_and_a_later_start(data_dir: Path) -> None:
    with up(data_dir, "--data-dir", str(data_dir)) as house:
        await choose_password(house)
        await house.site().confirm(await house.site().sign_up("ada@example.com"))
        waiting = await house.site().sign_up("eve@example.com")
        keys, sockets = data_dir / "secret-keys", sockets_of(data_dir)
        assert stat.S_IMODE(keys.stat().st_mode) == 0o600
        made = keys.read_text()
        assert len(house.processes) >= 4
        assert house.service.stop(signal.SIGINT) == 0
        assert house.is_gone
        assert not sockets.exists()
        assert "Traceback" not in house.service.said
    began = time.monotonic()
    with up(data_dir, "--data-dir", str(data_dir)) as house:
        assert time.monotonic() - began < LATER_START_WITHIN
        assert house.addresses["Staff"].endswith("/admin/dashboard")
        assert keys.read_text() == made
        await house.site().confirm(waiting)
        async with browsing(_port(house.addresses["Site"])) as browser:
            await publish(browser)
        for reader in ("ada@example.com", "eve@example.com"):
            assert words(await house.site().mail(reader, "News 🚀"), "plain") == "Some words."
        beside = await asyncio.to_thread(run, "--data-dir", str(data_dir), "issues", "list", "--json")
        assert [issue["title"] for issue in orjson.loads(beside.stdout)] == ["News 🚀"]
        os.killpg(house.service.process.pid, signal.SIGINT)
        assert house.service.process.wait(GONE_WITHIN) == 0
        assert house.is_gone
    after = await asyncio.to_thread(run, "--data-dir", str(data_dir), "issues", "list")
    assert (after.returncode, after.stderr.count("\n")) == (2, 1)
    assert "ZERO2PROD_DATABASE_URL" in after.stderr


async def test_a_killed_supervisor_takes_everything_with_it(data_dir: Path) -> None:
    with up(data_dir, "--data-dir", str(data_dir), "--workers", "2") as house:
        await house.site().confirm(await house.site().sign_up("ada@example.com"))
        assert len(house.processes) >= 5
        house.service.kill()
        assert house.is_gone
    with up(data_dir, "--data-dir", str(data_dir)) as house:
        await choose_password(house)
        async with browsing(_port(house.addresses["Site"])) as browser:
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


async def test_a_second_ctrl_c_leaves_nothing_either(data_dir: Path) -> None:
    with up(data_dir, "--data-dir", str(data_dir)) as house:
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
