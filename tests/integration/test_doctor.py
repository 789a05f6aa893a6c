"""The doctor over a real PostgreSQL and a real mail server, each of them well or broken."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import attrs
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from adapters_postgres.embedded import EmbeddedPostgres
from adapters_postgres.embedded.cluster import OWNER
from adapters_postgres.unit_of_work import PostgresUnitOfWork
from tests.support.databases import Database, migrated_database
from tests.support.services import Installation
from tests.support.services import run as run_command
from tests.support.smtp_server import SILENT, SmtpServer
from zero2prod import supervisor
from zero2prod.doctor import mail
from zero2prod.doctor.examination import examine
from zero2prod.doctor.findings import Finding, Level
from zero2prod.doctor.patient import looking_at, opened
from zero2prod.settings import DatabaseSettings, HttpSettings, MailSettings, SecretSettings, Settings
from zero2prod.testing.builders import KEY, delivery, email, letter, new_id, subscriber, suppression, token

OTHER_KEY = f"other:{'22' * 32}"
BOTH_KEYS = f"{OTHER_KEY},{KEY.id}:{KEY.secret.hex()}"


@pytest.fixture(scope="module")
def kept(postgres_server: EmbeddedPostgres) -> Iterator[Database]:
    with migrated_database(postgres_server, "doctor") as made:
        yield made


@pytest.fixture
def database(kept: Database) -> Database:
    kept.empty()
    return kept


@pytest.fixture
async def smtp() -> AsyncIterator[SmtpServer]:
    async with SmtpServer(password="hunter2") as server:
        yield server


def settings(url: str, smtp: SmtpServer, *, user: str = "", keys: str = BOTH_KEYS, owner_url: str = "") -> Settings:
    relay = smtp.url.replace("//", f"//{user}@") if user else smtp.url
    return Settings(
        database=DatabaseSettings(url, owner_url), mail=MailSettings(smtp_url=relay), secret=SecretSettings(keys)
    )


async def findings(of: Settings) -> dict[str, Finding]:
    async with looking_at(of, {}, None) as patient:
        return {finding.subject: finding for finding in await examine(patient)}


def owner_of(postgres_server: EmbeddedPostgres) -> str:
    return make_conninfo(postgres_server.owner_url, dbname="doctor")


class TestDatabase:
    async def test_all_is_well(self, postgres_server: EmbeddedPostgres, database: Database, smtp: SmtpServer) -> None:
        found = await findings(settings(database.url, smtp, user="news:hunter2", owner_url=owner_of(postgres_server)))
        ill = {finding.subject for finding in found.values() if finding.level is not Level.OK}
        assert ill == {"site", "worker", "newsletters"}
        assert found["roles"].says == f"{OWNER} owns the tables, the service reads and writes rows"

    async def test_one_role_for_all(
        self, postgres_server: EmbeddedPostgres, database: Database, smtp: SmtpServer
    ) -> None:
        found = await findings(settings(owner_of(postgres_server), smtp))
        assert found["roles"].level is Level.WARNING
        assert "may change the schema" in found["roles"].says

    async def test_an_owner_that_is_none(self, database: Database, smtp: SmtpServer) -> None:
        found = await findings(settings(database.url, smtp, owner_url=database.url))
        assert found["roles"].level is Level.ERROR
        assert "does not own the tables" in found["roles"].says

    async def test_a_role_without_its_rights(self, database: Database, smtp: SmtpServer) -> None:
        database.superuser.execute("REVOKE SELECT ON limits FROM zero2prod")
        try:
            found = await findings(settings(database.url, smtp))
        finally:
            database.superuser.execute("GRANT SELECT ON limits TO zero2prod")
        assert found["roles"].level is Level.ERROR
        assert "zero2prod may not read limits" in found["roles"].says

    async def test_a_database_without_its_schema(self, postgres_server: EmbeddedPostgres, smtp: SmtpServer) -> None:
        with psycopg.connect(postgres_server.superuser_url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE unmigrated OWNER {OWNER}".encode())
        found = await findings(settings(make_conninfo(postgres_server.url, dbname="unmigrated"), smtp))
        assert found["database"].level is Level.OK
        assert found["schema"].level is Level.ERROR
        assert found["schema"].says.startswith("lacks 0001_house, ")
        assert found["schema"].remedy == "Run: zero2prod migrate"
        assert {found[name].level for name in ("keys in use", "worker", "newsletters")} == {Level.UNKNOWN}

    @pytest.mark.parametrize(
        "change", [{"dbname": "nowhere"}, {"user": "nobody"}, {"host": "127.0.0.1", "port": "1"}, {"host": "no.test"}]
    )
    async def test_one_that_does_not_answer_is_one_error(
        self, database: Database, smtp: SmtpServer, change: dict[str, str]
    ) -> None:
        found = await findings(settings(make_conninfo(database.url, **change, password="s3cret"), smtp))
        errors = {finding.subject for finding in found.values() if finding.level is Level.ERROR}
        assert errors == {"database"}
        assert found["database"].says.startswith("does not answer (")
        assert found["clock"].says == "not checked, because the database does not answer"
        assert "s3cret" not in str(found)


class TestKeysInUse:
    async def test_a_retired_key_is_named_with_its_uses(self, database: Database, smtp: SmtpServer) -> None:
        async with opened(database.url) as pool, PostgresUnitOfWork(pool)() as tx:
            now = await tx.now()
            used = token(new_id(), key_id="other", expires_at=now + timedelta(hours=1))
            over = token(new_id(), key_id="older", expires_at=now - timedelta(hours=1))
            await tx.tokens.add_batch([used, over])
            await tx.suppressions.add_batch([suppression(email())])
        found = await findings(settings(database.url, smtp))
        assert found["keys in use"].level is Level.OK
        found = await findings(settings(database.url, smtp, keys="33" * 32))
        assert found["keys in use"].level is Level.ERROR
        assert f"other (tokens: 1); {KEY.id} (suppressions: 1)" in found["keys in use"].says
        assert "behind the newest" in found["keys in use"].remedy

    async def test_a_mail_that_is_over_holds_no_key(self, database: Database, smtp: SmtpServer) -> None:
        async with opened(database.url) as pool, PostgresUnitOfWork(pool)() as tx:
            of = letter()
            await tx.letters.add(of)
            await tx.deliveries.enqueue_batch([delivery(of, subscriber())])
        rotated = settings(database.url, smtp, keys="33" * 32)
        assert f"{KEY.id} (deliveries: 1)" in (await findings(rotated))["keys in use"].says
        over = "UPDATE deliveries SET state = 'failed', due_at = NULL, settled_at = now()"
        database.superuser.execute(over)
        assert (await findings(rotated))["keys in use"].level is Level.OK


class TestMailServer:
    async def test_one_that_is_silent_delays_nothing_else(
        self, database: Database, smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(mail, "STEP_LASTS", 0.2)
        smtp.script["CONNECT"].append(SILENT)
        found = await findings(settings(database.url, smtp))
        assert found["database"].level is Level.OK
        assert "silent for 0.2 s" in found["mail server"].says

    async def test_one_that_refuses_the_login(self, database: Database, smtp: SmtpServer) -> None:
        found = await findings(settings(database.url, smtp, user="news:wr0ng"))
        assert "it answered 535" in found["mail server"].says
        assert "wr0ng" not in str(found)


class TestUp:
    """What ``up`` says after its places."""

    async def said(self, of: Settings, capsys: pytest.CaptureFixture[str], data_dir: Path) -> list[str]:
        await supervisor._tell_what_needs_a_person(of, supervisor.Plan(data_dir, None, 1))
        said = capsys.readouterr()
        assert said.out == ""
        return said.err.splitlines()

    async def test_a_first_try_is_told_nothing(
        self, database: Database, smtp: SmtpServer, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        assert await self.said(settings(database.url, smtp), capsys, tmp_path) == []

    async def test_without_its_database_it_is_told_that_alone(
        self, smtp: SmtpServer, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        (line,) = await self.said(settings("postgresql://127.0.0.1:1/none", smtp), capsys, tmp_path)
        assert line.startswith("error    database: ")

    async def test_a_public_site_is_told_what_it_lacks(
        self, database: Database, smtp: SmtpServer, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        public = attrs.evolve(settings(database.url, smtp), http=HttpSettings(base_url="http://198.51.100.7"))
        said = await self.said(public, capsys, tmp_path)
        assert [line.partition(":")[0].split(maxsplit=1) for line in said] == [
            ["warning", "roles"],
            ["error", "public URL"],
            ["warning", "site"],
            ["warning", "limits"],
            ["warning", "newsletters"],
            ["warning", "sender"],
        ]


class TestCommand:
    async def test_a_person_gets_lines_and_a_program_json(self, database: Database, smtp: SmtpServer) -> None:
        house = Installation.over(database.url, smtp.port)
        with house.serving():
            told = await asyncio.to_thread(house.told, "doctor")
        assert [each for each in told if each["level"] == "error"] == []
        assert told[0].keys() == {"subject", "level", "says", "remedy"}
        assert next(each for each in told if each["subject"] == "site")["level"] == "ok"

    async def test_an_error_ends_with_1(self, database: Database, smtp: SmtpServer) -> None:
        house = Installation.over(database.url, smtp.port, MAIL_SMTP_URL="smtp://127.0.0.1:1?tls=none")
        done = await asyncio.to_thread(house.run, "doctor")
        assert (done.returncode, done.stderr) == (1, "")
        assert len([line for line in done.stdout.splitlines() if line.startswith("error ")]) == 1
        assert "Traceback" not in done.stdout

    def test_wrong_settings_end_with_2(self) -> None:
        done = run_command("doctor", settings={"DATABASE_URL": "x=y"})
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        nothing = run_command("--data-dir", os.devnull, "doctor")
        assert (nothing.returncode, nothing.stdout) == (2, "")
        assert "--data-dir: there is no directory" in nothing.stderr
