"""What runs in a process: one open set of parts, over which a service or a single verb runs."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, TypeVar

import attrs

from adapters_postgres import migrate as migrations
from adapters_postgres.embedded import default_data_dir
from zero2prod.container import Container
from zero2prod.settings import Settings, name_of
from zero2prod.settings_checks import MAKES_A_KEY, check_keys
from zero2prod_core.application import Application
from zero2prod_core.errors import SettingInvalid

Result = TypeVar("Result")


@attrs.frozen
class Runtime:
    """An open application with the parts that its services need."""

    application: Application
    settings: Settings
    container: Container


def run(service: Coroutine[Any, Any, Result]) -> Result:
    """Run a service to its end, on uvloop where it is installed."""
    try:
        import uvloop  # noqa: PLC0415 - an extra that need not be there
    except ModuleNotFoundError:
        return asyncio.run(service)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(service)


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Runtime]:
    """The application over PostgreSQL, open until the block ends; a database that is away is no reason not to start."""
    check_needed(settings)
    container = Container(settings=settings)
    async with AsyncExitStack() as stack:
        passwords, pool = container.passwords(), container.pool()
        stack.callback(passwords.close)
        await pool.open()
        stack.push_async_callback(pool.close)
        stack.push_async_callback(container.signal().close)
        yield Runtime(container.application(), settings, container)


BRINGS_A_DATABASE = (
    "Give a libpq URL, or start `zero2prod up`, which brings a database of its own; "
    "where it keeps its data elsewhere, say so: zero2prod --data-dir DIR COMMAND"
)
"""What to do where there is none."""


def check_needed(settings: Settings) -> None:
    """Refuse to go on without a database and keys; where both are missing, both are named."""
    if not settings.database.url and not settings.secret.keys:
        rule = (
            f"are missing, and no `up` runs on {default_data_dir()}. {BRINGS_A_DATABASE}. "
            f"A key is made by: {MAKES_A_KEY}"
        )
        raise SettingInvalid(f"{name_of('database.url')} and {name_of('secret.keys')}", rule)
    check_database(settings)
    check_keys(settings)


def check_database(settings: Settings) -> None:
    """Refuse to go on without one."""
    if not settings.database.url:
        rule = f"is missing, and no `up` runs on {default_data_dir()}. {BRINGS_A_DATABASE}"
        raise SettingInvalid(name_of("database.url"), rule)


def migrate(settings: Settings) -> None:
    """Bring the schema up to date as the owner, and grant the application's role what it needs."""
    check_database(settings)
    migrations.migrate(settings.database.owner_url or settings.database.url, settings.database.url)


def pending_migrations(settings: Settings) -> list[str]:
    """The names of migrations that are still to be applied."""
    check_database(settings)
    return migrations.pending(settings.database.owner_url or settings.database.url)
