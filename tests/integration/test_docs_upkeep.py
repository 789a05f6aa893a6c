"""The how-tos about backups, upgrades and keys, typed as they stand against real servers."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import orjson
import psycopg
import pytest
from psycopg import sql

from adapters_postgres import migrate as migrations
from adapters_postgres.embedded import EmbeddedPostgres
from adapters_postgres.embedded.cluster import APPLICATION, OWNER
from tests.support.databases import migrated_database
from tests.support.documentation import blocks
from tests.support.http import browsing
from tests.support.machines import administrator, set_up, url_of
from tests.support.postgres import scratch_directory
from tests.support.services import SECRET_KEYS, Installation
from tests.support.shells import Shell
from tests.support.smtp_server import SmtpServer
from tests.support.up import House, up
from zero2prod.testing.builders import KEY

TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"

RIGHTS = """
SELECT relname, relowner::regrole::text, relacl::text FROM pg_class
WHERE relkind IN ('r', 'p', 'v') AND relnamespace = 'public'::regnamespace ORDER BY relname
"""

HEARTBEATS = "workers"
"""The table that workers write to while nobody does anything."""


@pytest.fixture
def place() -> Iterator[Path]:
    with scratch_directory() as directory:
        yield directory


@pytest.fixture
async def relay() -> AsyncIterator[SmtpServer]:
    async with SmtpServer() as server:
        yield server


def counts(url: str) -> Mapping[str, int]:
    """Table → rows."""
    with psycopg.connect(url) as connection:
        names = [str(name) for (name,) in connection.execute(TABLES).fetchall() if name != HEARTBEATS]
        count = sql.SQL("SELECT count(*) FROM {}")
        return {name: connection.execute(count.format(sql.Identifier(name))).fetchall()[0][0] for name in names}


def rights(url: str) -> list[tuple[str, ...]]:
    """Of every table: whose it is, and who may do what with it."""
    with psycopg.connect(url) as connection:
        return connection.execute(RIGHTS).fetchall()


def own_url(house: House) -> str:
    return str(orjson.loads((house.data_dir / "running-settings").read_bytes())["ZERO2PROD_DATABASE_OWNER_URL"])


async def test_a_database_of_ones_own_is_backed_up_and_restored(
    postgres_server: EmbeddedPostgres, relay: SmtpServer, place: Path
) -> None:
    dump, make, restore, *_ = blocks("back-up-and-restore", "sh")
    with migrated_database(postgres_server, "kept"):
        owner, app = (url_of(postgres_server, role, "kept") for role in (OWNER, APPLICATION))
        house = Installation.over(app, relay.port)
        with house.serving():
            async with browsing(house.port) as browser:
                assert (await browser.post("/subscriptions", {"name": "Ada", "email": "a@example.com"})).status == 200
        settings = {f"ZERO2PROD_{name}": str(value) for name, value in house.settings.items()}
        exchanges = {
            r"postgresql://(\w+):secret@db\.example\.org/zero2prod_restored": url_of(
                postgres_server, r"\1", "zero2prod_restored"
            ),
            r"postgresql://(\w+):secret@db\.example\.org/zero2prod\b": url_of(postgres_server, r"\1", "kept"),
        }
        shell = Shell.in_checkout(place, exchanges, {**settings, **administrator(postgres_server)})
        await asyncio.to_thread(shell.succeeds, dump)
        await asyncio.to_thread(shell.succeeds, make)
        said = await asyncio.to_thread(shell.succeeds, restore)
        restored = url_of(postgres_server, OWNER, "zero2prod_restored")
        assert counts(restored) == counts(owner)
        assert counts(restored)["subscriptions"] == 1
        assert rights(restored) == rights(owner)
        assert "The schema is up to date." in said
        assert "error" not in said


@pytest.mark.untraced
async def test_the_database_that_up_brings_is_backed_up_and_restored(place: Path) -> None:
    *_, dump, keys, restore, check = blocks("back-up-and-restore", "sh")
    first, second = place / "first", place / "second"
    exchanges = {r"(?m)^make up$": "true", r"\.venv/bin/zero2prod": f".venv/bin/zero2prod --data-dir {second}"}
    away = Shell.in_checkout(place, {r"data=\S+": f"data={first}", **exchanges})
    shell = Shell.in_checkout(place, {r"data=\S+": f"data={second}", **exchanges})
    with up(first, "--data-dir", str(first)) as house:
        mail = await house.site().sign_up("ada@example.com")
        before = counts(own_url(house))
        away.succeeds(dump)
    with up(second, "--data-dir", str(second)):
        pass
    shell.succeeds(keys)
    with up(second, "--data-dir", str(second)) as house:
        shell.succeeds(restore)
        assert counts(own_url(house)) == before
    with up(second, "--data-dir", str(second)) as house:
        await house.site().confirm(mail)
        assert "error" not in shell.succeeds(check)


async def test_an_upgrade_brings_an_older_schema_up_to_date(
    postgres_server: EmbeddedPostgres, relay: SmtpServer, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, install, look, go, _ = blocks("upgrade", "sh")
    *older, newest = migrations.packaged()
    owner, app = (url_of(postgres_server, role, "older") for role in (OWNER, APPLICATION))
    with psycopg.connect(postgres_server.superuser_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE older OWNER {OWNER}".encode())
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "packaged", lambda: tuple(older))
        migrations.migrate(owner, app)
    shell = set_up(place, {"database": app, "owner": owner, "relay": relay.url}, administrator(postgres_server))
    await asyncio.to_thread(shell.succeeds, stop)
    await asyncio.to_thread(shell.succeeds, install)
    lacks = await asyncio.to_thread(shell.typed, look)
    assert (lacks.returncode, newest.name in lacks.stderr) == (1, True)
    said = await asyncio.to_thread(shell.succeeds, go)
    assert f"Applied {newest.name}." in said
    assert "error" not in said
    assert (await asyncio.to_thread(shell.typed, look)).returncode == 0
    assert (place / "calls").read_text().splitlines() == [
        "systemctl stop zero2prod-site zero2prod-worker@*",
        "git pull",
        "pip",
        "pip",
        "systemctl start zero2prod-site zero2prod-worker@1 zero2prod-worker@2",
    ]


async def test_keys_are_rotated(postgres_server: EmbeddedPostgres, relay: SmtpServer, place: Path) -> None:
    front, ask, leaked, *_ = blocks("rotate-keys", "sh")
    with migrated_database(postgres_server, "rotated") as database:
        app = url_of(postgres_server, APPLICATION, "rotated")
        house = Installation.over(app, relay.port)
        with house.serving():
            async with browsing(house.port) as browser:
                assert (await browser.post("/subscriptions", {"name": "Ada", "email": "a@example.com"})).status == 200
        told = {"ZERO2PROD_DATABASE_URL": app, "ZERO2PROD_MAIL_SMTP_URL": f"{relay.url}?tls=none"}
        shell = set_up(place, {}, {**administrator(postgres_server), **told})
        keys = place / "etc" / "keys"
        await asyncio.to_thread(shell.succeeds, front)
        new, old = keys.read_text().strip().split(",")
        assert (len(new), old, keys.stat().st_mode & 0o777) == (64, SECRET_KEYS, 0o600)
        keys.with_name("keys.new").write_text(new)
        said = await asyncio.to_thread(shell.typed, ask)
        assert (said.returncode, f"still in use: {KEY.id}" in said.stdout) == (1, True)
        # A token that nobody has spent, made with the old key.
        assert database.superuser.execute("SELECT key_id FROM tokens").fetchall() == [(KEY.id,)]
        await asyncio.to_thread(shell.exchanging({"the old id": KEY.id}).succeeds, leaked)
        assert database.superuser.execute("SELECT key_id FROM tokens").fetchall() == []
