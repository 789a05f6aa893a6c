"""What runs in a process: one open set of parts, and the services over it."""

import asyncio
import errno
import os
import platform
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, closing
from typing import Any, TypeAlias, TypeVar, cast

import attrs
import structlog
from aiohttp import web

from adapters_email.smtp import SmtpMailer
from adapters_http.app import make_app, make_worker_app
from adapters_http.config import HttpConfig
from adapters_http.doors import Door
from adapters_http.instruments import Instruments
from adapters_postgres import migrate as migrations
from adapters_postgres.embedded import default_data_dir
from adapters_system.gathering import Gathering
from zero2prod.container import Container
from zero2prod.guarding import guard, listen
from zero2prod.mailbox_client import MailboxClient
from zero2prod.processes import stopping_on_signals
from zero2prod.settings import HttpSettings, Settings, name_of
from zero2prod.settings_checks import MAKES_A_KEY, check_keys
from zero2prod.settings_worker import WorkerSettings
from zero2prod.watching import watched
from zero2prod.worker import Drained, Pace, Parts, Worker
from zero2prod_core.application import Application
from zero2prod_core.domain.subscribers import SignUp
from zero2prod_core.errors import Refusal, SettingInvalid
from zero2prod_core.ports.telemetry import Telemetry

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


Writing: TypeAlias = Callable[[Application, Telemetry], AbstractAsyncContextManager[Application]]
"""How sign-ups are written, for as long as the block lasts."""


@asynccontextmanager
async def gathered(application: Application, telemetry: Telemetry) -> AsyncIterator[Application]:
    """The application with sign-ups that come at the same time written together."""

    async def write(sign_ups: list[SignUp]) -> Sequence[Refusal | None]:
        telemetry.observe("gathered", len(sign_ups))
        return await application.subscribe_batch(sign_ups)

    gathering: Gathering[SignUp, None] = Gathering(write)
    try:
        yield attrs.evolve(application, subscribe=gathering)
    finally:
        await gathering.aclose()


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


async def serve(settings: Settings, writing: Writing = gathered) -> None:
    """The HTTP service, until a signal."""
    async with running(settings) as runtime, AsyncExitStack() as stack:
        telemetry, pool = runtime.container.telemetry(), runtime.container.pool()
        application = await stack.enter_async_context(writing(runtime.application, telemetry))
        watching = watched(telemetry, application.deliveries.read_backlog, pool.readings)
        instruments = await stack.enter_async_context(watching)
        runner = web.AppRunner(_site(runtime, application, instruments), access_log=None, shutdown_timeout=GRACE)
        stack.push_async_callback(runner.cleanup)
        await runner.setup()
        server = await _listen(runner, "http", settings.http, settings, telemetry)
        stack.callback(server.close)
        if off := settings.limits_off:
            log.warning("limits_off", settings=off)
        log.info("serving", host=settings.http.host, port=settings.http.port, base_url=settings.base_url)
        stop = asyncio.Event()
        with stopping_on_signals(stop.set):
            await stop.wait()
        log.info("stopping")


def _config(runtime: Runtime) -> HttpConfig:
    settings = runtime.settings
    return HttpConfig(
        base_url=settings.base_url,
        keys=runtime.container.keys(),
        cookie_secure=settings.http.cookie_secure,
        trusted_proxies=settings.trusted_proxies,
        metrics_networks=settings.metrics_networks,
        confirm_on_get=settings.subscriptions.confirm_on_get,
        limits=settings.limits_policy,
        largest_form=settings.limits.body_size,
        body_seconds=settings.limits.body_deadline.total_seconds(),
    )


def _site(runtime: Runtime, application: Application, instruments: Instruments) -> web.Application:
    settings, container = runtime.settings, runtime.container
    asked, telemetry = settings.subscriptions.challenge, container.alarms()
    mailbox = MailboxClient(settings.mailbox_url) if settings.mailbox_url else None
    return make_app(
        application,
        _config(runtime),
        container.health(),
        container.heartbeats(),
        container.ids(),
        Door.keyed(asked, container.challenges(), container.keys(), container.clock(), telemetry),
        mailbox,
        attrs.evolve(instruments, telemetry=telemetry),
    )


async def _listen(
    runner: web.AppRunner, section: str, at: HttpSettings | WorkerSettings, settings: Settings, telemetry: Telemetry
) -> asyncio.Server:
    """Let visitors in, through the guard. ``section``: the one of the settings that says where."""
    behind = cast(web.Server, runner.server)  # there is one since the runner is set up
    try:
        return await listen(guard(behind, settings, telemetry), at.host, at.port)
    except (OSError, UnicodeError) as error:
        raise cannot_listen(section, at.host, at.port, error) from None


def cannot_listen(section: str, host: str, port: int, error: OSError | UnicodeError) -> SettingInvalid:
    """Why the port of the site, or of a worker, cannot be opened, and what to do."""
    host_name, port_name = name_of(f"{section}.host"), name_of(f"{section}.port")
    if isinstance(error, UnicodeError):
        return SettingInvalid(host_name, "is no network address. Choose one of this machine.")
    if error.errno == errno.EADDRINUSE:
        otherwise = "choose another port with --port" if section == "http" else "choose another port"
        return SettingInvalid(port_name, f"port {port} is in use. Stop the other program, or {otherwise}.")
    if error.errno == errno.EACCES:
        return SettingInvalid(port_name, f"port {port} may not be opened by this user. Choose one above 1023.")
    rule = f"cannot listen on {host}: {error.strerror}. Choose a network address of this machine."
    return SettingInvalid(host_name, rule)


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
    async with _sending(settings) as runtime, AsyncExitStack() as stack:
        worker = _worker(runtime)
        if settings.worker.port:
            await stack.enter_async_context(_shown(runtime, worker))
        log.info("working", worker=worker_name())
        with stopping_on_signals(worker.stop):
            await worker.run()
        log.info("stopped", worker=worker_name())


@asynccontextmanager
async def _shown(runtime: Runtime, worker: Worker) -> AsyncIterator[None]:
    """The worker's health and numbers on its own port, until the block ends.

    Raises:
        SettingInvalid: the port cannot be opened.
    """
    settings, container, mailer = runtime.settings, runtime.container, runtime.container.mailer()
    parts = [container.pool().readings, worker.readings]
    if isinstance(mailer, SmtpMailer):
        parts.append(mailer.waits.readings)
    telemetry = container.telemetry()
    async with watched(telemetry, runtime.application.deliveries.read_backlog, *parts) as instruments:
        health, heartbeats = container.health(), container.heartbeats()
        site = make_worker_app(_config(runtime), health, heartbeats, container.ids(), instruments)
        runner = web.AppRunner(site, access_log=None, shutdown_timeout=GRACE)
        await runner.setup()
        try:
            with closing(await _listen(runner, "worker", settings.worker, settings, telemetry)):
                yield
        finally:
            await runner.cleanup()


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
