"""What runs in a process: one open set of parts, and the services over it."""

import asyncio
import errno
import os
import platform
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, closing
from typing import Any, TypeVar

import attrs
import structlog
from aiohttp import web

from adapters_http.app import make_app
from adapters_http.config import HttpConfig
from adapters_postgres import migrate as migrations
from adapters_postgres.embedded import default_data_dir
from adapters_system.gathering import Gathering
from zero2prod.container import Container
from zero2prod.mailbox_client import MailboxClient
from zero2prod.processes import stopping_on_signals
from zero2prod.settings import Settings, name_of
from zero2prod.settings_checks import MAKES_A_KEY, check_keys
from zero2prod.worker import Drained, Pace, Parts, Worker
from zero2prod_core.application import Application
from zero2prod_core.domain.subscribers import SignUp
from zero2prod_core.errors import SettingInvalid

log = structlog.get_logger(__name__)

Result = TypeVar("Result")

GRACE = 10.0
"""Seconds for requests under way when the site stops; publishing to a large audience takes a few."""


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


def _gathered(application: Application) -> tuple[Application, Gathering[SignUp, None]]:
    """The application with sign-ups that come at the same time written together."""
    gathering: Gathering[SignUp, None] = Gathering(application.subscribe_batch)
    return attrs.evolve(application, subscribe=gathering), gathering


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


async def serve(settings: Settings) -> None:
    """The HTTP service, until a signal."""
    async with running(settings) as runtime, AsyncExitStack() as stack:
        application, gathering = _gathered(runtime.application)
        stack.push_async_callback(gathering.aclose)
        runner = web.AppRunner(_site(runtime, application), access_log=None, shutdown_timeout=GRACE)
        stack.push_async_callback(runner.cleanup)
        await runner.setup()
        await _listen(runner, settings)
        log.info("serving", host=settings.http.host, port=settings.http.port, base_url=settings.base_url)
        stop = asyncio.Event()
        with stopping_on_signals(stop.set):
            await stop.wait()
        log.info("stopping")


def _site(runtime: Runtime, application: Application) -> web.Application:
    settings, container = runtime.settings, runtime.container
    config = HttpConfig(
        base_url=settings.base_url,
        keys=container.keys(),
        cookie_secure=settings.http.cookie_secure,
        trusted_proxies=settings.trusted_proxies,
        confirm_on_get=settings.subscriptions.confirm_on_get,
    )
    mailbox = MailboxClient(settings.mailbox_url) if settings.mailbox_url else None
    return make_app(application, config, container.health(), container.heartbeats(), container.ids(), mailbox)


async def _listen(runner: web.AppRunner, settings: Settings) -> None:
    try:
        await web.TCPSite(runner, settings.http.host, settings.http.port).start()
    except (OSError, UnicodeError) as error:
        raise cannot_listen(settings, error) from None


def cannot_listen(settings: Settings, error: OSError | UnicodeError) -> SettingInvalid:
    """Why the site's port cannot be opened, and what to do."""
    if isinstance(error, UnicodeError):
        return SettingInvalid(name_of("http.host"), "is no network address. Choose one of this machine.")
    if error.errno == errno.EADDRINUSE:
        rule = f"port {settings.http.port} is in use. Stop the other program, or choose another port with --port."
        return SettingInvalid(name_of("http.port"), rule)
    if error.errno == errno.EACCES:
        rule = f"port {settings.http.port} may not be opened by this user. Choose one above 1023."
        return SettingInvalid(name_of("http.port"), rule)
    rule = f"cannot listen on {settings.http.host}: {error.strerror}. Choose a network address of this machine."
    return SettingInvalid(name_of("http.host"), rule)


def worker_name() -> str:
    """Tells workers apart in leases and logs: the machine and the process."""
    return f"{platform.node()}:{os.getpid()}"


def _worker(runtime: Runtime) -> Worker:
    container, delivery = runtime.container, runtime.settings.delivery
    return Worker(
        worker_name(),
        Parts(
            application=runtime.application,
            mailer=container.mailer(),
            signal=container.signal(),
            locks=container.locks(),
            heartbeats=container.heartbeats(),
            pace=Pace(delivery.batch, delivery.poll, delivery.renewal),
        ),
    )


@asynccontextmanager
async def _sending(settings: Settings) -> AsyncIterator[Runtime]:
    """The application for a process that sends mail: its threads that sign end with the block.

    Raises:
        SettingInvalid: a key that is to sign cannot be read.
    """
    async with running(settings) as runtime:
        with closing(runtime.container.signing()):
            yield runtime


async def work(settings: Settings) -> None:
    """The delivery worker, until a signal."""
    async with _sending(settings) as runtime:
        worker = _worker(runtime)
        log.info("working", worker=worker_name())
        with stopping_on_signals(worker.stop):
            await worker.run()
        log.info("stopped", worker=worker_name())


async def drain(settings: Settings) -> Drained:
    """Deliver all that is due, and run each job once."""
    async with _sending(settings) as runtime:
        worker = _worker(runtime)
        with stopping_on_signals(worker.stop):
            return await worker.drain()


def migrate(settings: Settings) -> None:
    """Bring the schema up to date as the owner, and grant the application's role what it needs."""
    check_database(settings)
    migrations.migrate(settings.database.owner_url or settings.database.url, settings.database.url)


def pending_migrations(settings: Settings) -> list[str]:
    """The names of migrations that are still to be applied."""
    check_database(settings)
    return migrations.pending(settings.database.owner_url or settings.database.url)
