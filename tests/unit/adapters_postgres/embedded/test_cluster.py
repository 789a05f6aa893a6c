"""What is said of a cluster that does not start or is another version's."""

from pathlib import Path
from typing import Any, cast

import psycopg
import pytest

from adapters_postgres.embedded.binaries import Binaries
from adapters_postgres.embedded.cluster import failed, furnish, initdb_options, major_of, other_major
from adapters_postgres.embedded.data_directory import DataDirectory
from adapters_postgres.embedded.processes import Account
from zero2prod_core.errors import DataDirectoryRefused

NEW = Binaries(Path("/new/bin"), "18.4")


def test_the_builtin_locale_where_the_server_has_it() -> None:
    assert "--builtin-locale=C.UTF-8" in initdb_options(17)
    assert "--builtin-locale=C.UTF-8" not in initdb_options(16)


def test_a_clusters_version(tmp_path: Path) -> None:
    assert major_of(tmp_path) is None
    (tmp_path / "PG_VERSION").write_text("16\n")
    assert major_of(tmp_path) == "16"


def test_the_way_from_an_old_version_quotes_its_paths() -> None:
    told = str(other_major(DataDirectory(Path("/my data"), None), "16", NEW, Path("/old/bin")))
    first, _, rest = told.partition("\n")
    assert told.endswith("\nEND\n\nThe old cluster is kept as /my data/postgres/data.16.")
    assert first.startswith("data directory /my data: its cluster was made by PostgreSQL 16, and this is 18.4.")
    assert "install" not in first
    assert "\n/bin/sh <<'END'\n" in rest
    assert "cd '/my data/postgres'\n" in rest
    assert "/old/bin/pg_ctl -w -D data -l" in rest
    assert "/new/bin/pg_dumpall" in rest


def test_without_the_old_programs_it_says_what_to_install() -> None:
    told = str(other_major(DataDirectory(Path("/data"), Account("nobody", 65534, 65534)), "17", NEW, None))
    assert "or install PostgreSQL 17 (Debian: apt install postgresql-17), then dump and restore it by" in told
    assert "\nsu nobody -s /bin/sh <<'END'\n" in told
    assert "/usr/lib/postgresql/17/bin/pg_ctl" in told


def test_on_the_way_back_the_newer_tools_dump() -> None:
    told = str(other_major(DataDirectory(Path("/data"), None), "19", NEW, Path("/newer/bin")))
    assert "/newer/bin/pg_dumpall" in told


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ("@ LOG:  a\n@ FATAL:  no room\n@ HINT:  make some\n@ PANIC:  c\n", "FATAL:  no room / HINT:  make some."),
        ("FATAL:  the database system is starting up\nPANIC:  lost\n", "PANIC:  lost."),
        ("initdb: error: no room\n", "error: no room."),
        ("one\n\ntwo\nthree\n", "two / three."),
        ("", "it said nothing."),
    ],
)
def test_the_reason_is_looked_for_in_what_was_said_since_this_start(log: str, words: str, tmp_path: Path) -> None:
    before = "FATAL:  of an earlier start\n"
    (tmp_path / "postgres.log").write_text(before + log)
    told = str(failed(DataDirectory(tmp_path, None), len(before)))
    assert f"PostgreSQL did not start: {words}" in told
    assert told.endswith(f"see {tmp_path}/postgres.log.")


def test_a_server_that_refuses_its_furniture_is_quoted() -> None:
    class Full:
        def execute(self, *_: object) -> None:
            raise psycopg.errors.DiskFull("could not extend file: No space left on device")

    with pytest.raises(
        DataDirectoryRefused, match="PostgreSQL refused: could not extend file: No space left on device"
    ):
        furnish(cast("psycopg.Connection[Any]", Full()), DataDirectory(Path("/data"), None))
