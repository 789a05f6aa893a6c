"""The schema as it is after `migrate`, whoever migrates and however often."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, LiteralString, TypeAlias

import attrs
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from adapters_postgres import migrate as migrations
from adapters_postgres.embedded import EmbeddedPostgres
from adapters_postgres.embedded.cluster import APPLICATION, OWNER
from adapters_postgres.health import PostgresHealth
from adapters_postgres.migrate import Migration, migrate, packaged, pending
from tests.support.pools import opened_pool
from zero2prod_core.domain.letters import LetterKind, template_letter
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER
from zero2prod_core.errors import Defect, SchemaRefused, StoreUnavailable

ALL = [migration.name for migration in packaged()]
DATABASES = count()

Rows: TypeAlias = list[tuple[Any, ...]]


@attrs.frozen
class Fresh:
    """An empty database, as each of the three roles reaches it."""

    url: str
    owner_url: str
    superuser_url: str

    def ask(self, statement: LiteralString, *parameters: object, url: str | None = None) -> Rows:
        with closing(psycopg.connect(url or self.superuser_url, autocommit=True)) as connection:
            cursor = connection.execute(statement, parameters or None)
            return cursor.fetchall() if cursor.description else []


@pytest.fixture
def fresh(postgres_server: EmbeddedPostgres) -> Iterator[Fresh]:
    name = f"fresh_{next(DATABASES)}"
    urls = postgres_server.url, postgres_server.owner_url, postgres_server.superuser_url
    with closing(psycopg.connect(postgres_server.superuser_url, autocommit=True)) as server:
        server.execute(f"CREATE DATABASE {name} OWNER {OWNER}".encode())
        yield Fresh(*(make_conninfo(url, dbname=name) for url in urls))
        server.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def migrated(fresh: Fresh) -> Fresh:
    migrate(fresh.owner_url, fresh.url)
    return fresh


def test_a_fresh_database_gets_every_migration_once(fresh: Fresh) -> None:
    assert pending(fresh.owner_url) == ALL
    assert migrate(fresh.owner_url, fresh.url) == ALL
    assert migrate(fresh.owner_url, fresh.url) == []
    assert pending(fresh.url) == []
    assert fresh.ask("SELECT name FROM schema_migrations ORDER BY version") == [(name,) for name in ALL]


def test_of_many_who_migrate_at_once_one_does_the_work(fresh: Fresh) -> None:
    with ThreadPoolExecutor(4) as threads:
        results = [threads.submit(migrate, fresh.owner_url, fresh.url) for _ in range(4)]
    assert sorted(len(result.result()) for result in results) == [0, 0, 0, len(ALL)]
    assert pending(fresh.url) == []


def test_a_migration_that_fails_leaves_nothing_behind(fresh: Fresh, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Migration(1, "0001_broken", "CREATE TABLE half (); SELECT 1 / 0")
    monkeypatch.setattr(migrations, "packaged", lambda: (broken,))
    with pytest.raises(Defect, match="22012"):
        migrate(fresh.owner_url, fresh.url)
    assert fresh.ask("SELECT to_regclass('half'), count(*) FROM schema_migrations") == [(None, 0)]
    assert pending(fresh.owner_url) == ["0001_broken"]


def test_tags_from_before_there_was_a_table_of_them_are_in_it(fresh: Fresh, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as past:
        past.setattr(migrations, "packaged", lambda: packaged()[:4])
        migrate(fresh.owner_url, fresh.url)
    fresh.ask("""
        INSERT INTO subscriptions (
            id, newsletter_id, email, email_key, email_domain, email_digest, email_digest_key, name, status,
            subscribed_at, tags
        )
        SELECT gen_random_uuid(), newsletter_id, 'Ada@b.org', 'ada@b.org', 'b.org', '', 'k', 'Ada', 'confirmed', now(),
            '{vip,vip,art}'
        FROM newsletters
    """)
    migrate(fresh.owner_url, fresh.url)
    found = fresh.ask("SELECT tag, status, email_key, email_domain, name_key FROM subscription_tags ORDER BY tag")
    assert found == [(tag, "confirmed", "ada@b.org", "b.org", "ada") for tag in ("art", "vip")]


def test_an_applied_migration_that_was_edited_is_refused(migrated: Fresh) -> None:
    migrated.ask("UPDATE schema_migrations SET checksum = 'other' WHERE version = 1")
    with pytest.raises(SchemaRefused, match="0001_house was applied in another form"):
        migrate(migrated.owner_url, migrated.url)
    with pytest.raises(SchemaRefused, match="0001_house was applied in another form"):
        pending(migrated.url)


def test_a_schema_newer_than_the_program_is_refused(migrated: Fresh) -> None:
    migrated.ask("INSERT INTO schema_migrations (version, name, checksum) VALUES (9999, '9999_future', '')")
    with pytest.raises(SchemaRefused, match="does not know migration 9999_future"):
        migrate(migrated.owner_url, migrated.url)


def test_a_database_that_is_away_is_said_to_be_away() -> None:
    with pytest.raises(StoreUnavailable):
        pending("host=/nowhere connect_timeout=2")


def test_the_store_starts_with_the_default_newsletter_and_its_letters(migrated: Fresh) -> None:
    default = DEFAULT_NEWSLETTER
    assert migrated.ask("SELECT newsletter_id, slug, name FROM newsletters") == [(default.id, "default", default.name)]
    letters = [template_letter(default.id, kind) for kind in LetterKind if kind is not LetterKind.ISSUE]
    expected = [(letter.id, letter.kind.value, "open", "resend", letter.priority) for letter in letters]
    stored = migrated.ask("SELECT letter_id, kind, state, uncertain_policy, priority FROM letters")
    assert sorted(stored) == sorted(expected)


def rights(database: Fresh, table: str) -> set[str]:
    """What the application's role may do with a table."""
    kinds = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
    asked = [database.ask("SELECT has_table_privilege(%s, %s, %s)", APPLICATION, table, kind) for kind in kinds]
    return {kind for kind, [(granted,)] in zip(kinds, asked, strict=True) if granted}


def test_the_application_may_write_rows_but_never_change_what_is_evidence(migrated: Fresh) -> None:
    tables = migrated.ask(
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p', 'v') AND relnamespace = 'public'::regnamespace"
    )
    expected = {"schema_migrations": {"SELECT"}, "unfinished_deliveries": {"SELECT"}}
    append_only = {"SELECT", "INSERT"}
    for (table,) in tables:
        default = (
            append_only if table.startswith(("audit_events", "audit_seals")) else append_only | {"UPDATE", "DELETE"}
        )
        assert (table, rights(migrated, table)) == (table, expected.get(table, default))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        migrated.ask("CREATE TABLE mine ()", url=migrated.url)


def test_rights_that_were_added_by_hand_are_taken_back(migrated: Fresh) -> None:
    migrated.ask(f"GRANT ALL ON audit_events TO {APPLICATION}")
    migrate(migrated.owner_url, migrated.url)
    assert rights(migrated, "audit_events") == {"SELECT", "INSERT"}


def test_one_role_may_do_all(fresh: Fresh) -> None:
    assert migrate(fresh.owner_url, fresh.owner_url) == ALL
    assert fresh.ask("SELECT count(*) FROM newsletters", url=fresh.owner_url) == [(1,)]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        fresh.ask("SELECT count(*) FROM newsletters", url=fresh.url)


@pytest.mark.parametrize("change", ["UPDATE {} SET reason = 'none'", "DELETE FROM {}", "TRUNCATE {}"])
def test_audit_events_are_never_changed_not_even_by_the_owner(migrated: Fresh, change: str) -> None:
    month = datetime.now(UTC).strftime("audit_events_%Y_%m")
    for table in ("audit_events", "audit_events_default", month):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="audit events are never changed"):
            migrated.ask(change.format(table), url=migrated.owner_url)


def write_event(database: Fresh, months_ahead: int) -> str:
    """Write an audit event of the first day of a month; the partition it went to."""
    statement = """
        INSERT INTO audit_events VALUES (
            gen_random_uuid(),
            (date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => %s)) AT TIME ZONE 'UTC',
            'system_swept', 'success', NULL, 'system', NULL, NULL, 'job', 'sweep', NULL, NULL, NULL, '{}'
        ) RETURNING tableoid::regclass::text
    """
    return str(database.ask(statement, months_ahead, url=database.owner_url)[0][0])


def test_events_of_the_coming_year_have_a_partition_for_each_month(migrated: Fresh) -> None:
    partitions = [write_event(migrated, months) for months in range(13)]
    assert len(set(partitions)) == 13
    assert partitions[0] == datetime.now(UTC).strftime("audit_events_%Y_%m")
    assert write_event(migrated, 13) == write_event(migrated, -1) == "audit_events_default"


def test_months_whose_events_are_in_the_default_partition_already_are_left_there(migrated: Fresh) -> None:
    write_event(migrated, 14)
    migrated.ask("SELECT audit_partitions_ahead(15)", url=migrated.owner_url)
    assert write_event(migrated, 14) == "audit_events_default"
    assert write_event(migrated, 13) != write_event(migrated, 15) != "audit_events_default"


async def schema_health(database: Fresh) -> str:
    async with opened_pool(database.url) as pool:
        health = await PostgresHealth(pool).check()
    assert health["database"] == "ok"
    return health["schema"]


async def test_health_says_what_is_wrong_with_the_schema(fresh: Fresh, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await schema_health(fresh) == "there is none: run zero2prod migrate"
    migrate(fresh.owner_url, fresh.url)
    assert await schema_health(fresh) == "ok"
    fresh.ask("DELETE FROM schema_migrations WHERE version > 1")
    assert await schema_health(fresh) == "lacks 0002_ledger: run zero2prod migrate"
    fresh.ask("UPDATE schema_migrations SET checksum = ''")
    assert "0001_house was applied in another form" in await schema_health(fresh)


def test_times_on_both_sides_of_a_month_in_utc_are_kept_apart(migrated: Fresh) -> None:
    bounds = migrated.ask(
        "SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relname = %s",
        (datetime.now(UTC).replace(day=1) + timedelta(days=40)).strftime("audit_events_%Y_%m"),
        url=make_conninfo(migrated.superuser_url, options="-c timezone=UTC"),
    )
    assert str(bounds[0][0]).count("-01 00:00:00+00") == 2
