"""A machine as the how-tos leave it: URLs of a database, settings in files, and stand-ins for dangerous programs."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import attrs
from psycopg.conninfo import conninfo_to_dict

from adapters_postgres.embedded import EmbeddedPostgres
from adapters_postgres.embedded.binaries import choose
from adapters_postgres.embedded.cluster import APPLICATION
from adapters_postgres.embedded.processes import server_account
from tests.support.databases import migrated_database
from tests.support.documentation import blocks
from tests.support.ports import free_port
from tests.support.postgres import scratch_directory
from tests.support.services import SECRET_KEYS, Installation
from tests.support.shells import Shell
from zero2prod.runtime import Runtime, running
from zero2prod.settings_loading import load
from zero2prod.testing.builders import number

Result = TypeVar("Result")

# Commands are typed, and nothing is served.
NOBODY_LISTENS = 1

INSTEAD = """
git() { echo "git $*" >> calls; }
pip() { echo pip >> calls; }
chgrp() { echo "chgrp $*" >> calls; }
systemctl() { echo "systemctl $*" >> calls; }
runuser() { shift 3; "$@"; }
"""
"""In place of what would change the machine."""


def url_of(server: EmbeddedPostgres, role: str, database: str) -> str:
    """Without the port, which is the usual one: an ampersand would mean something to a shell."""
    return f"postgresql://{role}@/{database}?host={conninfo_to_dict(server.superuser_url)['host']}"


def administrator(server: EmbeddedPostgres) -> dict[str, str]:
    """The environment of whoever looks after a database server: its programs, and all rights."""
    told = conninfo_to_dict(server.superuser_url)
    path = f"{choose(server_account()).bin}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {"PATH": path, "PGHOST": str(told["host"]), "PGPORT": str(told["port"]), "PGUSER": str(told["user"])}


@attrs.frozen
class Machine:
    """A shell with an installation's settings, and the application beside it."""

    shell: Shell

    def ask(self, verb: Callable[[Runtime], Awaitable[Result]]) -> Result:
        async def answer() -> Result:
            async with running(load(None, self.shell.environment)) as runtime:
                return await verb(runtime)

        return asyncio.run(answer())


@contextmanager
def furnished(server: EmbeddedPostgres) -> Iterator[Machine]:
    """A machine with a new database and no service, for the length of the block."""
    name = f"furnished_{number()}"
    with scratch_directory() as place, migrated_database(server, name):
        house = Installation.over(url_of(server, APPLICATION, name), NOBODY_LISTENS)
        environment = {f"ZERO2PROD_{name}": str(value) for name, value in house.settings.items()}
        yield Machine(Shell.in_checkout(place, {}, environment))


def set_up(place: Path, secrets: Mapping[str, str], environment: Mapping[str, str]) -> Shell:
    """A machine as the how-to about systemd leaves it, under ``place``."""
    etc = place / "etc"
    etc.mkdir()
    for name, secret in {**secrets, "keys": SECRET_KEYS}.items():
        (etc / name).write_text(secret)
        (etc / name).chmod(0o600)
    (settings,) = blocks("run-under-systemd", "env")
    here = settings.replace("https://news.example.org", f"http://127.0.0.1:{free_port()}")
    (etc / "environment").write_text(here.replace("/etc/zero2prod", str(etc)))
    exchanges = {"/etc/zero2prod": str(etc), "/opt/zero2prod/bin/": ""}
    return Shell.in_checkout(place, exchanges, environment, INSTEAD)
