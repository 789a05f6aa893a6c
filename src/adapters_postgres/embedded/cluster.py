"""The cluster: made at once or not at all, refused when another major version made it, furnished with our roles."""

import os
import re
import shlex
import shutil
from pathlib import Path
from typing import IO, Any

from psycopg import Connection, Error, sql

from adapters_postgres.embedded.binaries import DEBIAN, Binaries
from adapters_postgres.embedded.data_directory import OTHER_DIRECTORY, DataDirectory
from adapters_postgres.embedded.processes import run
from zero2prod_core.errors import DataDirectoryRefused

SUPERUSER = "postgres"
OWNER = "zero2prod_owner"  # owns the database and its tables; migrates
APPLICATION = "zero2prod"  # reads and writes rows, makes no tables
DATABASE = "zero2prod"

BUILTIN_PROVIDER_SINCE = 17

# The first such line is the cause, the next its hint or its consequence; our own attempts to connect are answered by
# "the database system is starting up" and tell nothing.
TELLING = re.compile(r"(FATAL|PANIC|HINT|error):\s+(?!\s|the database system is).*")

UPGRADE = """{shell} <<'END'
set -e
cd {server}
S=$(mktemp -d /tmp/zero2prod-XXXXXX)
{new}/{initdb} -D data.next > upgrade.log
{old}/pg_ctl -w -D data -l upgrade.log -o "-k $S -p 5431 -c listen_addresses=" start
{new}/pg_ctl -w -D data.next -l upgrade.log -o "-k $S -p 5432 -c listen_addresses=" start
{tools}/pg_dumpall -h $S -p 5431 -U postgres -f dump.sql
sed -i '/^CREATE ROLE postgres;$/d' dump.sql
{tools}/psql -q -h $S -p 5432 -U postgres -d postgres -v ON_ERROR_STOP=1 -f dump.sql >> upgrade.log
{old}/pg_ctl -w -D data stop
{new}/pg_ctl -w -D data.next stop
mv data data.{old_major}
mv data.next data
rmdir $S
END"""


def initdb_options(major: int) -> list[str]:
    """UTF-8 in code point order everywhere; where the server brings it, lower() and upper() know all of Unicode.

    Never ICU, which the wheels lack, nor the system's locales, which change their order with its updates.
    """
    options = ["-U", SUPERUSER, "--encoding=UTF8", "--locale=C", "--data-checksums"]
    if major >= BUILTIN_PROVIDER_SINCE:
        options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return [*options, "--auth-local=trust", "--auth-host=reject"]


def major_of(cluster: Path) -> str | None:
    """The major version that made the cluster, None where there is none yet."""
    try:
        return (cluster / "PG_VERSION").read_text(errors="replace").strip()
    except FileNotFoundError:
        return None


def make(directory: DataDirectory, binaries: Binaries, log: IO[bytes], *, durable: bool) -> None:
    """Makes the cluster beside its place and renames it when it is complete and on the disk.

    Raises:
        DataDirectoryRefused: initdb failed; its last words.
    """
    shutil.rmtree(directory.unfinished, ignore_errors=True)
    options = [*initdb_options(binaries.major), "--no-instructions", *([] if durable else ["--no-sync"])]
    command = [binaries.program("initdb"), "-D", str(directory.unfinished), *options]
    said_before = directory.log.stat().st_size
    code, _ = run(command, directory.account, directory.server, log)
    if code != 0:
        shutil.rmtree(directory.unfinished, ignore_errors=True)
        raise failed(directory, said_before)
    directory.unfinished.rename(directory.cluster)
    _sync(directory.server)


def _sync(directory: Path) -> None:
    opened = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def failed(directory: DataDirectory, said_before: int) -> DataDirectoryRefused:
    """Why the server gave up, from what it said since its log had ``said_before`` bytes, and where the rest stands."""
    with directory.log.open("rb") as log:
        log.seek(said_before)
        lines = [line.strip() for line in log.read().decode(errors="replace").splitlines() if line.strip()]
    telling = [found[0] for line in lines if (found := TELLING.search(line))]
    words = " / ".join(telling[:2] or lines[-2:]) or "it said nothing"
    return DataDirectoryRefused(
        str(directory.path),
        f"PostgreSQL did not start: {words.removesuffix('.')}",
        f"Mend that, or {OTHER_DIRECTORY}; see {directory.log}",
    )


def other_major(directory: DataDirectory, found: str, chosen: Binaries, old: Path | None) -> DataDirectoryRefused:
    """The refusal of a cluster made by major version ``found``, whose programs are in ``old`` if any are here."""
    first = "" if old else f"install PostgreSQL {found} (Debian: apt install postgresql-{found}), then "
    tools = old if old and int(found) > chosen.major else chosen.bin  # the newer pg_dump reads both
    commands = UPGRADE.format(
        shell="su nobody -s /bin/sh" if directory.account else "/bin/sh",
        server=shlex.quote(str(directory.server)),
        new=shlex.quote(str(chosen.bin)),
        old=shlex.quote(str(old or DEBIAN / found / "bin")),
        tools=shlex.quote(str(tools)),
        initdb=shlex.join(["initdb", *initdb_options(chosen.major)]),
        old_major=found,
    )
    return DataDirectoryRefused(
        str(directory.path),
        f"its cluster was made by PostgreSQL {found}, and this is {chosen.version}",
        f"Start it with PostgreSQL {found} again, {OTHER_DIRECTORY}, or {first}dump and restore it by these "
        f"commands:\n\n{commands}\n\nThe old cluster is kept as {directory.server}/data.{found}",
    )


def furnish(connection: Connection[Any], directory: DataDirectory) -> None:
    """Makes the roles and the database where they are missing; a crash between two statements is mended next time.

    Raises:
        DataDirectoryRefused: the server would not, most likely for want of space.
    """
    try:
        _furnish(connection)
    except Error as error:
        words = error.diag.message_primary or str(error)
        remedy = f"Mend that, or {OTHER_DIRECTORY}; see {directory.log}"
        raise DataDirectoryRefused(str(directory.path), f"PostgreSQL refused: {words}", remedy) from error


def _furnish(connection: Connection[Any]) -> None:
    for role in (OWNER, APPLICATION):
        if not connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (role,)).fetchall():
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
    if not connection.execute("SELECT FROM pg_database WHERE datname = %s", (DATABASE,)).fetchall():
        made = sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), sql.Identifier(OWNER))
        connection.execute(made)
