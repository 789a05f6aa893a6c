import pytest
from psycopg import sql
from psycopg.abc import Query
from structlog.testing import capture_logs

from adapters_postgres.slowness import SLOW, note
from adapters_postgres.sql import load


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        (load("deliveries")["claim"], "deliveries.claim"),
        ("/* tokens.spend */ UPDATE tokens SET spent_at = now()", "tokens.spend"),
        ("COMMIT", "COMMIT"),
        ("SELECT 'ada@example.com'", "SELECT"),
        (b"SELECT 1", "unnamed"),
        (sql.SQL("SELECT 1"), "unnamed"),
    ],
)
def test_it_is_called_by_its_name_and_never_by_its_text(statement: Query, name: str) -> None:
    with capture_logs() as logged:
        note([statement], SLOW * 2)
    assert logged == [{"event": "slow_statement", "log_level": "info", "statement": name, "ms": 200}]


def test_one_that_was_quick_is_not_spoken_of() -> None:
    with capture_logs() as logged:
        note(["COMMIT"], SLOW)
    assert logged == []
