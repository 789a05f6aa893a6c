"""Every statement in ``sql/`` against the migrated schema: it prepares, and no hot one reads a big table throughout."""

import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import psycopg
import pytest

import adapters_postgres
from adapters_postgres.embedded import EmbeddedPostgres
from adapters_postgres.sql import load
from tests.support.databases import migrated_database

NOUNS = sorted(
    file.name.removesuffix(".sql")
    for file in files(adapters_postgres).joinpath("sql").iterdir()
    if file.name.endswith(".sql")
)
STATEMENTS = {f"{noun}.{name}": sql for noun in NOUNS for name, sql in load(noun).items()}

UTILITY = {"migrate.create"}
"""What PREPARE does not take."""

COLD = {
    "accounts.list": "accounts are few",
    "deliveries.enqueue_audience": "reads the whole audience, which is its purpose",
    "limits.sweep": "a job; an index on its time would be written by every take",
    "newsletters.list": "newsletters are few",
    "migrate.applied": "migrations are few",
    "migrate.grants": "run by migrate alone",
    "migrate.make_partitions": "run by migrate alone",
    "sessions.sweep": "a job over the sessions of staff",
    "subscribers.exist": "stops at the first row, whichever that is",
    "subscribers.exist_confirmed": "stops at the first who ever confirmed; only where nobody has does it read all",
    "subscribers.count": "a number for a person to look at, whatever the status",
    "tokens.sweep": "a job; so large a part of the table is best read from end to end",
    "idempotency.sweep": "a job; so large a part of the table is best read from end to end",
    "health.last": "workers are few",
    "inspection.keys_of_accounts": "asked by a person, through the doctor",
    "inspection.keys_of_bare_recipients": "the same",
    "inspection.keys_of_deliveries": "the same",
    "inspection.keys_of_subscribers": "the same",
    "inspection.keys_of_suppressions": "the same",
    "inspection.keys_of_tokens": "the same",
    "inspection.server": "roles are few",
}
"""Statements that may read a table from end to end, and why."""

# 100,000 rows in each table that grows with subscribers, mails or visitors, more accounts than there will ever be, and
# the issues of a hundred newsletters in a year.
FILL = """
SET session_replication_role = replica;
INSERT INTO accounts (account_id, username, username_key, created_at)
SELECT md5('account' || n)::uuid, n, n, now() FROM generate_series(1, 20000) n;
INSERT INTO subscriptions (
    id, newsletter_id, email, email_key, email_domain, email_digest, email_digest_key, name, status, subscribed_at
)
SELECT md5('reader' || n)::uuid, '00000000-0000-7000-8000-000000000001', n, n || '@example.com', 'example.com',
    sha256(n::text::bytea), 'k', n, CASE n % 10 WHEN 0 THEN 'pending_confirmation' ELSE 'confirmed' END, now()
FROM generate_series(1, 100000) n;
INSERT INTO sign_up_rounds SELECT md5('round' || n)::uuid, md5('reader' || n)::uuid, n, 'form', 'open', now()
FROM generate_series(1, 100000) n;
INSERT INTO tokens SELECT md5('token' || n)::uuid, 'confirm', md5('round' || n)::uuid, 'k', now(), now()
FROM generate_series(1, 100000) n;
INSERT INTO consent (consent_id, kind, subscription_id, round_id, occurred_at, source, actor_kind)
SELECT md5('consent' || n)::uuid, 'requested', md5('reader' || n)::uuid, md5('round' || n)::uuid, now(), 'form',
    'visitor'
FROM generate_series(1, 100000) n;
INSERT INTO letters (letter_id, newsletter_id, kind, state, uncertain_policy, newsletter_issue_id, subject, priority)
SELECT md5('letter' || n)::uuid, '00000000-0000-7000-8000-000000000001', 'issue',
    CASE WHEN n <= 3 THEN 'open' ELSE 'closed' END, 'resend', md5('issue' || n)::uuid, n, 10
FROM generate_series(1, 5000) n;
INSERT INTO newsletter_issues (newsletter_issue_id, newsletter_id, letter_id, title, state, created_at)
SELECT newsletter_issue_id, newsletter_id, letter_id, subject,
    CASE state WHEN 'open' THEN 'sending' ELSE 'finished' END, now()
FROM letters WHERE kind = 'issue';
INSERT INTO suppressions SELECT 'k', sha256(n::text::bytea), 'bounce', now() FROM generate_series(1, 100000) n;
INSERT INTO sessions SELECT sha256(n::text::bytea), md5('account' || n)::uuid, now(), now(), now()
FROM generate_series(1, 20000) n;
INSERT INTO idempotency SELECT '00000000-0000-7000-8000-000000000001', n, '', '', md5('issue' || n)::uuid, now()
FROM generate_series(1, 100000) n;
INSERT INTO limits SELECT 'network', n, now() FROM generate_series(1, 100000) n;
INSERT INTO audit_events
SELECT md5('event' || n)::uuid, now() - n * interval '1 minute', 'system_swept', 'success', NULL, 'system', NULL, NULL,
    'subscriber', md5('reader' || n), NULL, NULL, NULL, '{}'
FROM generate_series(1, 100000) n;
INSERT INTO audit_details SELECT md5('event' || n)::uuid, '', '{}' FROM generate_series(1, 100000) n;
INSERT INTO deliveries (
    letter_id, recipient_id, recipient_kind, domain, email_digest, email_digest_key, state, priority, due_at,
    settled_at, give_up_at, created_at
)
SELECT md5('letter' || 1 + n % 1000)::uuid, md5('reader' || n)::uuid, 'subscriber', 'example.com',
    sha256(n::text::bytea), 'k', CASE n % 3 WHEN 0 THEN 'pending' ELSE 'sent' END, 10, CASE n % 3 WHEN 0 THEN now() END,
    CASE n % 3 WHEN 0 THEN NULL ELSE now() END, now(), now()
FROM generate_series(1, 100000) n;
INSERT INTO bare_recipients SELECT md5('bare' || n)::uuid, n, n, 'example.com', '', 'k'
FROM generate_series(1, 20000) n;
SET session_replication_role = origin;
ANALYZE;
"""


def numbered(statement: str) -> bytes:
    """With ``$1``, ``$2`` … for named parameters, as the server counts them."""
    order: dict[str, int] = {}

    def number(match: re.Match[str]) -> str:
        return "%" if match[0] == "%%" else f"${order.setdefault(match['name'], len(order) + 1)}"

    return re.sub(r"%%|%\((?P<name>\w+)\)[sbt]", number, statement).encode()


@pytest.fixture(scope="module")
def crowded(postgres_server: EmbeddedPostgres) -> Iterator[psycopg.Connection[Any]]:
    """A database with big tables."""
    with migrated_database(postgres_server, "crowded") as database:
        database.superuser.execute(FILL.encode())
        yield database.superuser


@pytest.mark.parametrize("name", sorted(STATEMENTS.keys() - UTILITY))
def test_every_statement_prepares_against_the_migrated_schema(crowded: psycopg.Connection[Any], name: str) -> None:
    crowded.execute(b"PREPARE attempt AS " + numbered(STATEMENTS[name]))
    prepared = crowded.execute("SELECT count(*) FROM pg_prepared_statements WHERE name = 'attempt'").fetchall()
    crowded.execute("DEALLOCATE attempt")
    assert prepared == [(1,)]


@pytest.fixture(scope="module")
def big(crowded: psycopg.Connection[Any]) -> set[str]:
    rows = crowded.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples >= 10000").fetchall()
    return {name for (name,) in rows}


def scanned(plan: dict[str, Any]) -> Iterator[str]:
    """The tables that a plan reads from end to end."""
    if plan["Node Type"] == "Seq Scan":
        yield plan["Relation Name"]
    for part in plan.get("Plans", ()):
        yield from scanned(part)


@pytest.mark.parametrize("name", sorted(STATEMENTS.keys() - UTILITY - COLD.keys()))
def test_no_hot_statement_reads_a_big_table_from_end_to_end(
    crowded: psycopg.Connection[Any], big: set[str], name: str
) -> None:
    assert len(big) > 10
    ((plan,),) = crowded.execute(b"EXPLAIN (GENERIC_PLAN, FORMAT JSON) " + numbered(STATEMENTS[name])).fetchall()
    assert set(scanned(plan[0]["Plan"])) & big == set()


def test_only_statements_that_exist_are_excused() -> None:
    assert (UTILITY | COLD.keys()) - STATEMENTS.keys() == set()
