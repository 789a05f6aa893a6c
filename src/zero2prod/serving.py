"""What is reached over HTTP: the site, and a worker's health and numbers."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, closing
from typing import TypeAlias, cast

import attrs
import structlog
from aiohttp import web

from adapters_http.app import make_app, make_worker_app
from adapters_http.config import HttpConfig
from adapters_http.doors import Door
from adapters_http.instruments import Instruments
from adapters_system.gathering import Gathering
from zero2prod.guarding import cannot_listen, guard, listen
from zero2prod.mailbox_client import MailboxClient
from zero2prod.processes import stopping_on_signals
from zero2prod.runtime import Runtime, running
from zero2prod.settings import HttpSettings, Settings
from zero2prod.settings_worker import WorkerSettings
from zero2prod.watching import watched
from zero2prod_core.application import Application
from zero2prod_core.domain.subscribers import SignUp
from zero2prod_core.errors import Refusal
from zero2prod_core.ports.telemetry import Readings, Telemetry

log = structlog.get_logger(__name__)

GRACE = 10.0
"""Seconds for requests under way when the site stops; publishing to a large audience takes a few."""

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


@asynccontextmanager
async def shown(runtime: Runtime, *readings: Readings) -> AsyncIterator[None]:
    """The worker's health and numbers on its own port, until the block ends.

    Raises:
        SettingInvalid: the port cannot be opened.
    """
    settings, container = runtime.settings, runtime.container
    telemetry, backlog = container.telemetry(), runtime.application.deliveries.read_backlog
    async with watched(telemetry, backlog, container.pool().readings, *readings) as instruments:
        health, heartbeats = container.health(), container.heartbeats()
        site = make_worker_app(_config(runtime), health, heartbeats, container.ids(), instruments)
        runner = web.AppRunner(site, access_log=None, shutdown_timeout=GRACE)
        await runner.setup()
        try:
            with closing(await _listen(runner, "worker", settings.worker, settings, telemetry)):
                yield
        finally:
            await runner.cleanup()
