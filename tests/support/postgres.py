"""The tests' own PostgreSQL: one server per test process, made by the launcher that users get."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from adapters_postgres.embedded import EmbeddedPostgres

# Nothing here outlives the run, so nothing is worth waiting for the disk.
UNSAFE_AND_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@contextmanager
def scratch_directory() -> Iterator[Path]:
    """A directory that the server's user can reach: pytest's own are closed to all but the caller, who may be root."""
    directory = Path(tempfile.mkdtemp(prefix="zero2prod-test-", dir="/tmp"))
    directory.chmod(0o755)
    try:
        yield directory
    finally:
        shutil.rmtree(directory)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[EmbeddedPostgres]:
    """A running server with an empty database ``zero2prod`` and both roles; under xdist each worker has its own."""
    with scratch_directory() as directory, EmbeddedPostgres(directory / "data", options=UNSAFE_AND_FAST) as server:
        yield server
