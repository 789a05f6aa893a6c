"""What every command shares: settings, output, and how a refusal is told."""

import asyncio
import getpass
import os
import sys
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click
import orjson

from adapters_postgres.embedded import default_data_dir
from zero2prod import logs, running_settings
from zero2prod.runtime import Runtime, running
from zero2prod.settings import Settings
from zero2prod.settings_loading import load
from zero2prod_core.domain.origins import Actor, ActorKind, Origin

Result = TypeVar("Result")

REFUSED = 1


def settings_for_terminal(flags: Mapping[str, object] | None = None) -> Settings:
    """Load settings; logs go to stderr, because results go to stdout.

    Where no database is given, those of the ``up`` that runs on this machine are taken.
    """
    return settings_and_their_home(flags)[0]


def settings_and_their_home(flags: Mapping[str, object] | None = None) -> tuple[Settings, Path | None]:
    """As `settings_for_terminal`, with the data directory of the ``up`` that they were taken from, if from one."""
    settings, home = load(flags), None
    if not settings.database.url:
        home = data_dir_of_up()
        settings = load(flags, {**os.environ, **running_settings.read(home)})
    logs.configure(settings.log.format, sys.stderr)
    return settings, home


def data_dir_of_up() -> Path:
    """Where the root command's ``--data-dir`` points, or where `up` keeps its data by itself."""
    given: Path | None = click.get_current_context().find_root().params.get("data_dir")
    return given or default_data_dir()


def run_with(verb: Callable[[Runtime], Coroutine[Any, Any, Result]], settings: Settings | None = None) -> Result:
    """Run one verb over an open runtime."""
    chosen = settings or settings_for_terminal()

    async def run() -> Result:
        async with running(chosen) as runtime:
            return await verb(runtime)

    return asyncio.run(run())


def terminal() -> Origin:
    """Whoever typed the command, by the name the machine knows them by."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "unknown"
    return Origin(Actor(ActorKind.TERMINAL, user))


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


def show(value: object, lines: list[str], *, as_json: bool) -> None:
    """Print a result on stdout: ``value`` as one line of JSON, or ``lines`` for a person."""
    click.echo(orjson.dumps(value, default=str).decode() if as_json else "\n".join(lines))


def fail(message: str, status: int) -> NoReturn:
    """End with one line on stderr."""
    click.echo(f"zero2prod: {message}", err=True)
    raise SystemExit(status)
