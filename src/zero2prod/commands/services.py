"""``zero2prod up``, ``serve``, ``worker`` and ``migrate``: what runs."""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from zero2prod import kept_keys, logs, runtime
from zero2prod.commands.terminal import (
    REFUSED,
    data_dir_of_up,
    fail,
    found_settings,
    json_option,
    settings_for_terminal,
    show,
)
from zero2prod.settings import Settings, help_of, name_of, options
from zero2prod.settings_loading import load


def _otherwise(path: str) -> str:
    """What holds where an option is not given, for the help."""
    return f"{name_of(path)}, else {options()[path].default}"


host_option = click.option("--host", help=help_of("http.host"), show_default=_otherwise("http.host"))
port_option = click.option(
    "--port", type=click.IntRange(1, 65535), help=help_of("http.port"), show_default=_otherwise("http.port")
)


def _flags(**given: object) -> dict[str, object]:
    """Those that were given, by the setting's path: an absent flag must not hide what the environment says."""
    return {f"http.{option}": value for option, value in given.items() if value is not None}


def _settings_of_a_service(flags: Mapping[str, object] | None = None) -> Settings:
    """Those that every command finds; a service's logs are its results, and go to stdout."""
    settings, _ = found_settings(flags)
    logs.configure(settings.log.format)
    return settings


@click.command()
@port_option
@click.option(
    "--mailbox-port",
    type=click.IntRange(1, 65535),
    help="TCP port of the mailbox's page; without it 8025, or any free one where that is taken.",
)
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    help=f"Where everything is kept: the database, the keys ({kept_keys.NAME}), the services' log "
    "(services.log). Without it ~/.local/share/zero2prod, or zero2prod in XDG_DATA_HOME; for root /var/lib/zero2prod.",
)
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 32), help="How many delivery workers.")
def up(port: int | None, mailbox_port: int | None, data_dir: Path | None, workers: int) -> None:
    """Start everything on this machine: database, site, delivery worker and mailbox.

    It brings a database where none is given, and prints where everything is once it answers; then what needs a person,
    if the doctor finds such a thing. The first SIGINT (Ctrl-C) or SIGTERM ends all of it in order, the site first, the
    database last; the second ends it at once. A part that ends by itself is started again.
    """
    from zero2prod import supervisor  # noqa: PLC0415 - other commands do without all that it loads

    settings = load(_flags(port=port))
    logs.configure(settings.log.format, sys.stderr)
    plan = supervisor.Plan((data_dir or data_dir_of_up()).expanduser().absolute(), mailbox_port, workers)
    asyncio.run(supervisor.up(settings, plan))


@click.command()
@host_option
@port_option
def serve(host: str | None, port: int | None) -> None:
    """Run the HTTP service alone; any number of them share one database.

    It runs until SIGTERM or SIGINT. It starts without the database too, and answers 503 until that is there.
    """
    from zero2prod import serving  # noqa: PLC0415 - other commands do without all that it loads

    runtime.run(serving.serve(_settings_of_a_service(_flags(host=host, port=port))))


@click.command()
@click.option(
    "--drain",
    is_flag=True,
    help="Deliver all that is due, run each background job once, and exit: 0, or 1 if due mails could not be tried.",
)
@json_option
def worker(drain: bool, as_json: bool) -> None:
    """Run the delivery worker alone; any number of them share one database.

    On SIGTERM it claims nothing more, finishes the mails under way, gives the rest back, and ends within 30 seconds.
    With --drain it prints the outcomes with their numbers.
    """
    from zero2prod import sending  # noqa: PLC0415 - other commands do without all that it loads

    if not drain:
        runtime.run(sending.work(_settings_of_a_service()))
        return
    drained = runtime.run(sending.drain(settings_for_terminal()))
    lines = [f"{name}\t{count}" for name, count in sorted(drained.outcomes.items())] or ["Nothing was tried."]
    show(drained.outcomes, lines, as_json=as_json)
    if drained.left:
        fail(f"{drained.left} due mails could not be tried; they stay in the ledger.", REFUSED)


@click.command()
@click.option("--check", is_flag=True, help="Change nothing; exit 1 if the schema is not up to date.")
def migrate(check: bool) -> None:
    """Bring the database's schema up to date.

    It works as the owner's role where ZERO2PROD_DATABASE_OWNER_URL is set, and grants the other role what it needs. It
    may run anywhere, any number of times, at once.
    """
    settings = settings_for_terminal()
    pending = runtime.pending_migrations(settings)
    if check and pending:
        fail(f"the schema lacks {', '.join(pending)}. Run: zero2prod migrate", REFUSED)
    if not check:
        runtime.migrate(settings)
    click.echo(f"Applied {', '.join(pending)}." if pending else "The schema is up to date.")
