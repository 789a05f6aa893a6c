import hashlib

import pytest

from adapters_postgres.locks import lock_number
from adapters_postgres.migrate import Migration, missing, packaged
from zero2prod_core.errors import SchemaRefused

HOUSE, LEDGER = (
    Migration(1, "0001_house", "CREATE TABLE house ()"),
    Migration(2, "0002_ledger", "CREATE TABLE ledger ()"),
)


def row(migration: Migration) -> tuple[int, str, bytes]:
    return migration.version, migration.name, migration.checksum


def test_what_is_not_applied_is_missing_in_order() -> None:
    assert missing([HOUSE, LEDGER], []) == [HOUSE, LEDGER]
    assert missing([HOUSE, LEDGER], [row(HOUSE)]) == [LEDGER]
    assert missing([HOUSE, LEDGER], [row(HOUSE), row(LEDGER)]) == []


def test_an_applied_file_that_was_changed_is_refused_by_its_name() -> None:
    with pytest.raises(SchemaRefused, match="0001_house was applied in another form"):
        missing([HOUSE, LEDGER], [(1, "0001_house", hashlib.sha256(b"CREATE TABLE home ()").digest())])


def test_a_newer_schema_is_refused() -> None:
    with pytest.raises(SchemaRefused, match="newer than this program, which does not know migration 0002_ledger"):
        missing([HOUSE], [row(HOUSE), row(LEDGER)])


def test_the_packaged_migrations_are_numbered_without_gaps() -> None:
    assert [migration.version for migration in packaged()] == list(range(1, len(packaged()) + 1))
    assert packaged()[0].name == "0001_house"


def test_locks_have_numbers_that_never_change() -> None:
    # Two versions of the program must not migrate at the same time either.
    assert lock_number("migrate") == 623797270887142422
    assert -(2**63) <= lock_number("sweep") < 2**63
