"""Bringing a database's schema up to date: numbered SQL files, each applied once, in a transaction of its own.

Any number of processes may call `migrate` at once: one works, the others wait for it. A file that has been applied is
never changed again; its checksum is kept to tell.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files

import attrs
import psycopg
from psycopg.rows import TupleRow

from adapters_postgres.conninfo import conninfo, user_of
from adapters_postgres.errors import translated
from adapters_postgres.locks import lock_number
from adapters_postgres.sql import load
from zero2prod_core.errors import SchemaRefused

SQL = load("migrate")
FILE_NAME = re.compile(r"(\d{4})_[a-z_]+\.sql")
OWNER_SETTING = "ZERO2PROD_DATABASE_OWNER_URL"


@attrs.frozen
class Migration:
    """One file: ``0001_house.sql`` has version 1 and the name ``0001_house``."""

    version: int
    name: str
    text: str = attrs.field(repr=False)

    @property
    def checksum(self) -> bytes:
        return hashlib.sha256(self.text.encode()).digest()


def packaged() -> tuple[Migration, ...]:
    """The migrations that this program knows, in order."""
    found = [(file, FILE_NAME.fullmatch(file.name)) for file in files(__package__).joinpath("migrations").iterdir()]
    migrations = [
        Migration(int(match[1]), file.name.removesuffix(".sql"), file.read_text(encoding="utf-8"))
        for file, match in found
        if match
    ]
    return tuple(sorted(migrations, key=lambda migration: migration.version))


def migrate(owner_url: str, application_url: str) -> list[str]:
    """Apply what is pending, make partitions for the coming year, and grant the application's role its rights.

    Args:
        owner_url: logs in as the role that owns the tables.
        application_url: its user is granted what the program needs, unless it is the owner itself.

    Returns:
        The names of the migrations that were applied now.

    Raises:
        SchemaRefused: an applied file differs from ours, or the schema is newer than this program.
        StoreUnavailable: the database does not answer.
    """
    with _connected(owner_url) as connection:
        # Unlimited, unlike elsewhere: another process may be migrating.
        connection.execute("SET lock_timeout = 0")
        connection.execute("SELECT pg_advisory_lock(%s)", [lock_number("migrate")])
        if not _exists(connection):
            connection.execute(SQL["create"])
        applied = missing(packaged(), _applied(connection))
        for migration in applied:
            _apply(connection, migration)
        connection.execute(SQL["make_partitions"])
        _grant(connection, user_of(application_url))
    return [migration.name for migration in applied]


def pending(url: str) -> list[str]:
    """The names of the migrations that are still to be applied; raises like `migrate`."""
    with _connected(url) as connection:
        return [migration.name for migration in missing(packaged(), _applied(connection))]


def missing(known: Sequence[Migration], applied: Sequence[TupleRow]) -> list[Migration]:
    """Those of ``known`` that are not among ``applied`` rows of (version, name, checksum).

    Raises:
        SchemaRefused: a row is not known, or not in this form.
    """
    by_version = {migration.version: migration for migration in known}
    for version, name, checksum in applied:
        if version not in by_version:
            rule = f"is newer than this program, which does not know migration {name}"
            raise SchemaRefused(rule, "Run the version of zero2prod that made it, or a later one")
        if by_version[version].checksum != checksum:
            rule = f"migration {name} was applied in another form than this program has"
            raise SchemaRefused(rule, "Never edit an applied migration: restore the file, and write a new one")
    return [migration for migration in known if migration.version not in {row[0] for row in applied}]


@contextmanager
def _connected(url: str) -> Iterator[psycopg.Connection]:
    told = conninfo(url, "zero2prod migrate", OWNER_SETTING)
    with translated(), psycopg.connect(told, autocommit=True) as connection:
        yield connection


def _exists(connection: psycopg.Connection) -> bool:
    return bool(connection.execute(SQL["exists"]).fetchall()[0][0])


def _applied(connection: psycopg.Connection) -> list[TupleRow]:
    return connection.execute(SQL["applied"]).fetchall() if _exists(connection) else []


def _apply(connection: psycopg.Connection, migration: Migration) -> None:
    row = {"version": migration.version, "name": migration.name, "checksum": migration.checksum}
    with connection.transaction():
        connection.execute(migration.text.encode())
        connection.execute(SQL["record"], row)


def _grant(connection: psycopg.Connection, role: str | None) -> None:
    with connection.transaction():
        for (statement,) in connection.execute(SQL["grants"], {"role": role}).fetchall():
            connection.execute(statement.encode())
