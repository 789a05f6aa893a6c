import re
from pathlib import Path

import pytest

from adapters_postgres import sql
from adapters_postgres.sql import load

PACKAGE = Path(sql.__file__).parent
NOUNS = sorted(path.stem for path in (PACKAGE / "sql").glob("*.sql"))


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of statements that `load` reads as those of the noun ``things``."""
    (tmp_path / "sql").mkdir()
    monkeypatch.setattr(sql, "files", lambda package: tmp_path)
    return tmp_path / "sql" / "things.sql"


def test_each_statement_is_found_by_its_name_and_carries_it_to_the_server(written: Path) -> None:
    written.write_text("-- name: one\nSELECT 1;\n\n-- name: other_one\n-- why\nSELECT 2\n")
    assert load("things") == {
        "one": "/* things.one */ SELECT 1",
        "other_one": "/* things.other_one */ -- why\nSELECT 2",
    }


@pytest.mark.parametrize(
    "text",
    ["SELECT 1\n-- name: one\nSELECT 1\n", "-- name: one\n\n-- name: two\nSELECT 2\n", "-- name: one\nSELECT 1\n" * 2],
    ids=["text before the first heading", "an empty block", "one name twice"],
)
def test_a_file_that_is_not_blocks_is_refused(written: Path, text: str) -> None:
    written.write_text(text)
    with pytest.raises(ValueError, match=re.escape("sql/things.sql")):
        load("things")


def test_what_was_loaded_cannot_be_changed(written: Path) -> None:
    written.write_text("-- name: one\nSELECT 1\n")
    with pytest.raises(TypeError):
        load("things")["one"] = "SELECT 2"  # type: ignore[index]  # that it cannot is what is tested


@pytest.mark.parametrize("noun", NOUNS)
def test_every_statement_is_used(noun: str) -> None:
    sources = "".join(path.read_text() for path in PACKAGE.glob("*.py"))
    assert [name for name in load(noun) if f'"{name}"' not in sources] == []
