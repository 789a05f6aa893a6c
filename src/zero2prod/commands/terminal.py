"""What every command shares: settings, output, and how a refusal is told."""

import asyncio
import getpass
import logging
import shlex
import sys
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click
import orjson

from adapters_postgres.embedded import default_data_dir
from zero2prod import logs, running_settings
from zero2prod.calling import as_called
from zero2prod.runtime import Runtime, running
from zero2prod.settings import Settings
from zero2prod.settings_loading import load
from zero2prod_core.domain.origins import Actor, ActorKind, Origin
from zero2prod_core.errors import NewsletterUnknown, SettingInvalid

Result = TypeVar("Result")

REFUSED = 1


def settings_for_terminal(flags: Mapping[str, object] | None = None) -> Settings:
    """As `found_settings`; results go to stdout, and of the logs a person who waits needs the warnings, on stderr."""
    return settings_and_their_home(flags)[0]


def settings_and_their_home(flags: Mapping[str, object] | None = None) -> tuple[Settings, Path | None]:
    """As `settings_for_terminal`, with the data directory of the ``up`` that they were taken from, if from one."""
    settings, home = found_settings(flags)
    logs.configure(settings.log.format, sys.stderr, logging.WARNING)
    return settings, home


def found_settings(flags: Mapping[str, object] | None = None) -> tuple[Settings, Path | None]:
    """Load settings; where no database is given, what they leave out is as the ``up`` that runs on this machine has it.
    With its directory.

    Raises:
        SettingInvalid: one cannot be, or ``--data-dir`` names a directory on which no ``up`` runs.
    """
    settings = load(flags)
    if settings.database.url:
        return settings, None
    home = data_dir_of_up()
    told = running_settings.read(home)
    if _data_dir_given() and not told:
        raise _nothing_runs(home)
    return load(flags, told=told), home


def _nothing_runs(data_dir: Path) -> SettingInvalid:
    if not data_dir.is_dir():
        rule = f"there is no directory {data_dir}. Name the one that `up` was started with."
        return SettingInvalid("--data-dir", rule)
    start = f"zero2prod up --data-dir {shlex.quote(str(data_dir))}"
    return SettingInvalid("--data-dir", f"no `up` runs on {data_dir}. Start it with: {start}")


def data_dir_of_up() -> Path:
    """Where the root command's ``--data-dir`` points, or where `up` keeps its data by itself."""
    return _data_dir_given() or default_data_dir()


def _data_dir_given() -> Path | None:
    given: Path | None = click.get_current_context().find_root().params.get("data_dir")
    return given.expanduser().absolute() if given else None


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


async def naming_newsletters(runtime: Runtime, asked: Coroutine[Any, Any, Result]) -> Result:
    """What was asked for; where its newsletter is unknown, the refusal names those that there are."""
    try:
        return await asked
    except NewsletterUnknown as unknown:
        slugs = ", ".join(each.slug.text for each in await runtime.application.list_newsletters())
        raise NewsletterUnknown(unknown.fields["slug"], f"There are: {slugs}") from None


def fail(message: str, status: int) -> NoReturn:
    """End with one line on stderr."""
    click.echo(f"zero2prod: {as_called(message)}", err=True)
    raise SystemExit(status)
