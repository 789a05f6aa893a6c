"""The how-tos about setting up a machine, typed as they stand against real servers."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import orjson
import psycopg
import pytest

from adapters_postgres.embedded import EmbeddedPostgres
from adapters_postgres.embedded.cluster import APPLICATION
from tests.support.databases import migrated_database
from tests.support.documentation import blocks
from tests.support.http import browsing
from tests.support.machines import administrator, set_up, url_of
from tests.support.ports import free_port
from tests.support.postgres import scratch_directory
from tests.support.services import Installation
from tests.support.shells import Shell
from tests.support.smtp_server import SmtpServer
from tests.support.waiting import eventually

OWN = "of_ones_own"
"""The name of database and roles, in place of those that the tests' server has already."""

ROLES = {
    r"createuser --pwprompt zero2prod": f"createuser {OWN}",
    r"--owner=zero2prod_owner": f"--owner={OWN}_owner",
    r"template0 zero2prod$": f"template0 {OWN}",
}
"""Exchanges by which these are made."""

SET_UP_LINK = re.compile(r"https?://\S+/setup\?token=\S+")


@pytest.fixture
def place() -> Iterator[Path]:
    with scratch_directory() as directory:
        yield directory


@pytest.fixture
async def relay() -> AsyncIterator[SmtpServer]:
    async with SmtpServer() as server:
        yield server


@pytest.fixture
def server(postgres_server: EmbeddedPostgres) -> Iterator[EmbeddedPostgres]:
    """The tests' server, which has nothing of ours at the end."""
    yield postgres_server
    with psycopg.connect(postgres_server.superuser_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {OWN} WITH (FORCE)".encode())
        connection.execute(f"DROP ROLE IF EXISTS {OWN}, {OWN}_owner".encode())


def administrators_shell(server: EmbeddedPostgres, relay: SmtpServer, place: Path, port: int) -> Shell:
    """Where the page about PostgreSQL is typed, with a relay's URL in its file."""
    etc = place / "etc"
    etc.mkdir()
    (etc / "relay").write_text(relay.url)
    exchanges = {
        **ROLES,
        r"postgresql://zero2prod(\w*):secret@db\.example\.org/zero2prod\b": url_of(server, rf"{OWN}\1", OWN),
        r"/etc/zero2prod": str(etc),
        r"--port 8000": f"--port {port}",
    }
    return Shell.in_checkout(place, exchanges, administrator(server))


async def signed_up(port: int, email: str) -> bool:
    """Whether the site took it."""
    try:
        async with browsing(port) as browser:
            return (await browser.post("/subscriptions", {"name": "Ada", "email": email})).status == 200
    except OSError:
        return False


async def arrived(relay: SmtpServer, count: int) -> bool:
    return len(relay.mails) >= count


@pytest.mark.untraced
async def test_a_database_of_ones_own_serves_and_delivers(
    server: EmbeddedPostgres, relay: SmtpServer, place: Path
) -> None:
    roles, settings, keys, migrate, services, drain, proxies, first = blocks("run-with-your-own-postgresql", "sh")
    port = free_port()
    shell = administrators_shell(server, relay, place, port)
    await asyncio.to_thread(shell.succeeds, roles)
    await asyncio.to_thread(shell.succeeds, keys)
    assert "The schema is up to date." in await asyncio.to_thread(shell.succeeds, settings + migrate)
    site, worker = services.splitlines()
    async with shell.running(settings + proxies, site):
        assert await eventually(lambda: signed_up(port, "ada@example.com"))
        assert relay.mails == []
    assert "sent" in await asyncio.to_thread(shell.succeeds, settings + drain)
    async with shell.running(settings + proxies, site, worker):
        assert await eventually(lambda: signed_up(port, "grace@example.com"))
        assert await eventually(lambda: arrived(relay, 2))
    assert [mail.recipient for mail in relay.mails] == ["ada@example.com", "grace@example.com"]
    assert SET_UP_LINK.search(await asyncio.to_thread(shell.succeeds, settings + first))


@pytest.mark.system_package("curl", "curl")
async def test_services_of_a_machine(postgres_server: EmbeddedPostgres, relay: SmtpServer, place: Path) -> None:
    _, files, start, commands = blocks("run-under-systemd", "sh")
    with migrated_database(postgres_server, "under_systemd"):
        app = url_of(postgres_server, APPLICATION, "under_systemd")
        house = Installation.over(app, relay.port)
        shell = set_up(place, {"database": app, "relay": relay.url}, administrator(postgres_server))
        shell = shell.exchanging({r"127\.0\.0\.1:8000": f"127.0.0.1:{house.port}"})
        shell.succeeds(files)
        modes = {path.name: path.stat().st_mode & 0o777 for path in (place / "etc").iterdir()}
        assert (modes["database"], modes["keys"], modes["relay"]) == (0o640,) * 3
        with house.serving():
            said = await asyncio.to_thread(shell.succeeds, start)
        assert orjson.loads(said)
        assert SET_UP_LINK.search(await asyncio.to_thread(shell.succeeds, commands))
        assert house.told("newsletters", "list")[0]["postal_address"] == "Garden Road 1, Kew"
    assert (place / "calls").read_text().splitlines() == [
        f"chgrp zero2prod {place}/etc/database {place}/etc/keys {place}/etc/relay",
        "systemctl daemon-reload",
        "systemctl enable --now zero2prod-site zero2prod-worker@1 zero2prod-worker@2",
    ]


async def test_a_server_goes_live_with_the_files_of_one_place(
    server: EmbeddedPostgres, relay: SmtpServer, place: Path
) -> None:
    files, migrate, look = blocks("go-live-on-one-server", "sh")
    roles, *_ = blocks("run-with-your-own-postgresql", "sh")
    _, rights, *_ = blocks("run-under-systemd", "sh")
    shell = set_up(place, {}, administrator(server)).exchanging(
        {
            **ROLES,
            r"postgresql://zero2prod(\w*):secret@127\.0\.0\.1/zero2prod": url_of(server, rf"{OWN}\1", OWN),
            r"smtp://news\S+tls=starttls": f"{relay.url}?tls=none",
        }
    )
    await asyncio.to_thread(shell.succeeds, roles)
    await asyncio.to_thread(shell.succeeds, files + rights)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (place / "etc").iterdir()}
    assert modes["owner"] == 0o600
    assert (modes["database"], modes["keys"], modes["relay"]) == (0o640,) * 3
    assert "Applied" in await asyncio.to_thread(shell.succeeds, migrate)
    found = (await asyncio.to_thread(shell.typed, look)).stdout
    assert re.search(r"^ok +schema: ", found, re.MULTILINE), found


async def test_the_doctor_speaks_to_people_and_to_programs(
    postgres_server: EmbeddedPostgres, relay: SmtpServer, place: Path
) -> None:
    people, programs = blocks("check-an-installation", "sh")
    with migrated_database(postgres_server, "examined") as database:
        house = Installation.over(database.url, relay.port)
        settings = {f"ZERO2PROD_{name}": str(value) for name, value in house.settings.items()}
        shell = Shell.in_checkout(place, {}, settings)
        told = await asyncio.to_thread(shell.typed, people)
        in_json = await asyncio.to_thread(shell.typed, programs)
    assert re.fullmatch(r"(?:(?:ok|warning|error) +[\w ]+: .*\n)+", told.stdout)
    found = orjson.loads(in_json.stdout)
    assert told.returncode == in_json.returncode == any(each["level"] == "error" for each in found)
    assert {frozenset(each) for each in found} == {frozenset({"subject", "level", "says", "remedy"})}
