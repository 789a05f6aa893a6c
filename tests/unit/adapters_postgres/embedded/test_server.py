"""The embedded server as an object that has not been started."""

from pathlib import Path

import psycopg
import pytest

from adapters_postgres.embedded import EmbeddedPostgres, binaries, server
from adapters_postgres.embedded.binaries import Binaries
from adapters_postgres.embedded.data_directory import DataDirectory
from adapters_postgres.embedded.processes import Child
from zero2prod_core.errors import DataDirectoryRefused, Defect


def test_before_its_start_it_has_neither_process_nor_url(tmp_path: Path) -> None:
    embedded = EmbeddedPostgres(tmp_path / "data")
    assert embedded.pid is None
    assert embedded.wait(0) is None
    with pytest.raises(Defect, match="only between start"):
        _ = embedded.url
    embedded.stop()
    assert not (tmp_path / "data").exists()


def test_the_version_is_known_before_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert EmbeddedPostgres(tmp_path, binaries=Binaries(tmp_path, "15.18")).version == "15.18"
    monkeypatch.setattr(binaries, "from_wheel", lambda: [Binaries(tmp_path, "18.4")])
    assert EmbeddedPostgres(tmp_path).version == "18.4"


def test_a_server_that_never_answers_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "READY_S", 0.01)
    (tmp_path / "postgres.log").write_text("LOG:  still recovering\n")
    with (tmp_path / "postgres.log").open("ab") as log:
        child = Child(["/bin/sleep", "60"], None, tmp_path, log)
    try:
        with pytest.raises(DataDirectoryRefused, match="did not start: LOG:  still recovering"):
            server._first_connection(child, f"postgresql:///?host={tmp_path}", DataDirectory(tmp_path, None), 0)
    finally:
        child.stop()
    assert issubclass(psycopg.OperationalError, psycopg.Error)
