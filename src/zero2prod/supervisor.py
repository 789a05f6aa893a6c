"""``zero2prod up``: database, site, workers and mailbox under one process, which ends everything it started."""

import asyncio
import os
import socket
import sys
import tempfile
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from types import MappingProxyType

import attrs
import click
import structlog

from adapters_email.dkim_keys import loaded
from adapters_email.smtp_url import is_loopback
from adapters_postgres.embedded import EmbeddedPostgres, default_data_dir
from adapters_postgres.embedded.data_directory import DataDirectory
from adapters_system.clock import SystemClock
from zero2prod import kept_keys, runtime
from zero2prod.calling import program
from zero2prod.doctor.examination import for_a_person
from zero2prod.doctor.patient import looking_at
from zero2prod.guarding import cannot_listen
from zero2prod.mailbox import LOOPBACK, Mailbox
from zero2prod.processes import stopping_on_signals
from zero2prod.running_settings import published
from zero2prod.services import RESTART_AFTER, Kept, running_services
from zero2prod.settings import Settings, Transport, name_of, options
from zero2prod_core.domain.accounts import Username
from zero2prod_core.domain.origins import system
from zero2prod_core.errors import SettingInvalid

log = structlog.get_logger(__name__)

WAYS: Mapping[Transport, str] = MappingProxyType(
    {
        Transport.POSTMARK: "Postmark",
        Transport.CONSOLE: "this terminal",
        Transport.MEMORY: "the memory of each worker",
    }
)
"""Where mail goes that goes to no relay."""

FIRST_ACCOUNT = Username("admin")

USUAL_MAILBOX_PORT = 8025
"""Port 25, where mail goes in, with the prefix that web pages for developers like to have."""


LAST_PORT = 65_535
"""Ports have 16 bits (RFC 9293 §3.1)."""


@attrs.frozen
class Plan:
    """What `up` was asked for beyond the settings; ``mailbox_port`` None leaves the choice to us."""

    data_dir: Path
    mailbox_port: int | None
    workers: int


async def up(settings: Settings, plan: Plan) -> None:
    """Run everything until a signal; print where it is once it answers.

    Raises:
        SettingInvalid, DataDirectoryRefused: something cannot start; whatever had started is ended again.
    """
    _check_ports(settings, plan)
    loaded(settings.dkim_files)  # so that a key that cannot sign is told at once, and not in a worker's log
    _say_to_who_waits("Starting…")
    stop = asyncio.Event()
    with stopping_on_signals(stop.set):
        async with AsyncExitStack() as stack:
            settings = await _with_database(settings, plan, stack)
            mailbox_url, settings = await _with_mailbox(settings, plan, stack)
            _own(plan.data_dir)
            settings = _with_local_cookie(_with_keys(settings, plan))
            await asyncio.to_thread(runtime.migrate, settings)
            stack.enter_context(published(plan.data_dir, environment(settings)))
            children = running_services(environment(settings), plan.data_dir, plan.workers, stop)
            services = await stack.enter_async_context(children)
            await services.ready(settings.http.host, settings.http.port)
            if not stop.is_set():
                await _announce(settings, mailbox_url, plan)
                stack.push_async_callback(Kept(_tell_what_needs_a_person(settings, plan)).end)
            await stop.wait()
            services.check()
            _say("Stopping.")


def _check_ports(settings: Settings, plan: Plan) -> None:
    """Say at once what the site's own process could only say in its log."""
    if plan.mailbox_port == settings.http.port:
        raise SettingInvalid("--mailbox-port", f"is the site's port {plan.mailbox_port}. Choose another one.")
    if plan.mailbox_port and _is_taken(LOOPBACK, plan.mailbox_port):
        rule = f"port {plan.mailbox_port} is in use. Stop the other program, or choose another port."
        raise SettingInvalid("--mailbox-port", rule)
    _check_worker_ports(settings.worker.port, plan.workers)
    try:
        _probe(settings.http.host, settings.http.port)
    except (OSError, UnicodeError) as error:
        raise cannot_listen("http", settings.http.host, settings.http.port, error) from None


def _check_worker_ports(first: int, workers: int) -> None:
    """The ports of workers follow each other, and end where ports do."""
    most = LAST_PORT + 1 - workers
    if first > most:
        rule = (
            f"cannot be {first} with {workers} workers, each of which has the port after the last one's. Give at most"
        )
        raise SettingInvalid(name_of("worker.port"), f"{rule} {most}, or fewer workers.")


def _is_taken(host: str, port: int) -> bool:
    """Whether a port cannot be listened on now."""
    try:
        _probe(host, port)
    except OSError:
        return True
    return False


def _probe(host: str, port: int) -> None:
    family, *_, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(where)


async def _with_database(settings: Settings, plan: Plan, stack: AsyncExitStack) -> Settings:
    if settings.database.url:
        return settings
    server = EmbeddedPostgres(plan.data_dir)
    with suppress(OSError):  # what cannot be looked at is refused by the server itself, with a remedy
        if not DataDirectory(plan.data_dir, None).cluster.exists():
            _say_to_who_waits("Making the database (once)…")
    await asyncio.to_thread(server.start)
    stack.push_async_callback(asyncio.to_thread, server.stop)
    keeping = Kept(_keep(server))
    stack.push_async_callback(keeping.end)
    return attrs.evolve(settings, database=attrs.evolve(settings.database, url=server.url, owner_url=server.owner_url))


async def _keep(server: EmbeddedPostgres) -> None:
    """Start the database again whenever it ended by itself, as often as that takes."""
    while True:
        if server.pid is None:
            log.warning("database_ended", restarting=True)
            await _start(server)
        await asyncio.sleep(RESTART_AFTER)


async def _start(server: EmbeddedPostgres) -> None:
    """Start it in a thread, and even when cancelled wait for that: nobody may stop it meanwhile."""
    starting = asyncio.ensure_future(asyncio.to_thread(server.start))
    try:
        await asyncio.shield(starting)
    except Exception as error:  # noqa: BLE001 - whatever it is, the next try may go better
        log.error("database_does_not_start", reason=str(error))
    except asyncio.CancelledError:
        await asyncio.gather(starting, return_exceptions=True)
        raise


async def _open(mailbox: Mailbox, port: int | None) -> None:
    """Open the mailbox at the port asked for, or else at the usual one, or where that is taken at any."""
    try:
        await mailbox.start(page_port=port or USUAL_MAILBOX_PORT)
    except SettingInvalid:
        if port is not None:
            raise
        await mailbox.start()


async def _with_mailbox(settings: Settings, plan: Plan, stack: AsyncExitStack) -> tuple[str | None, Settings]:
    """Catch all mail on this machine, unless a transport was chosen."""
    if settings.mail.smtp_url or settings.mail.transport is not Transport.SMTP:
        return None, settings
    mailbox = Mailbox(SystemClock(), site=settings.base_url)
    await _open(mailbox, plan.mailbox_port)
    stack.push_async_callback(mailbox.stop)
    relay = f"smtp://127.0.0.1:{mailbox.smtp_port}?tls=none"
    mail = attrs.evolve(settings.mail, smtp_url=relay, mailbox_url=mailbox.page_url)
    return mailbox.page_url, attrs.evolve(settings, mail=mail)


def _own(data_dir: Path) -> None:
    """Make the data directory where a database given by its URL has not needed one."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=data_dir):
            pass
    except OSError as error:
        rule = f"{data_dir} cannot be used: {error.strerror}. Choose a directory that you may write."
        raise SettingInvalid("--data-dir", rule) from None


def _with_keys(settings: Settings, plan: Plan) -> Settings:
    """The keys given, or those that an earlier start made, or new ones."""
    if settings.secret.keys:
        return settings
    return attrs.evolve(settings, secret=attrs.evolve(settings.secret, keys=kept_keys.read(plan.data_dir)))


def _with_local_cookie(settings: Settings) -> Settings:
    """Browsers keep a Secure cookie from plain http, so on loopback the session's cookie does without."""
    if settings.base_url.startswith("https:") or not is_loopback(settings.http.host):
        return settings
    return attrs.evolve(settings, http=attrs.evolve(settings.http, cookie_secure=False))


def environment(settings: Settings) -> dict[str, str]:
    """This process's environment, with every setting as it stands now."""
    values = {name: value for name, value in os.environ.items() if not name.startswith("ZERO2PROD_")}
    for path in options():
        section, _, option = path.partition(".")
        values[name_of(path)] = _text(getattr(getattr(settings, section), option))
    return values


def _text(value: object) -> str:
    seconds = getattr(value, "total_seconds", None)
    return f"{seconds()}s" if seconds else str(value)


async def _announce(settings: Settings, mailbox_url: str | None, plan: Plan) -> None:
    """Three places with one sentence each; the staff page's is a set-up link for as long as nobody has used one."""
    link = await _set_up_link(settings)
    places = [("Site", f"{settings.base_url}/", "Visitors subscribe here.")]
    if link:
        places.append(("Staff", link, f"Open this link once, to choose the password of {FIRST_ACCOUNT.text}."))
    else:
        places.append(("Staff", f"{settings.base_url}/admin/dashboard", "Log in here to publish an issue."))
    if mailbox_url:
        places.append(("Mailbox", mailbox_url, "Every mail that is sent lands here, and goes nowhere else."))
    else:
        places.append(("Mail", _where_mail_goes(settings), "Every mail goes there."))
    with suppress(OSError):
        for name, url, sentence in places:
            click.echo(f"{name:<9}{url}\n{'':<9}{sentence}")
        sys.stdout.flush()
    if plan.data_dir != default_data_dir():
        _say(f"Other commands, in a second terminal: {program(plan.data_dir)} …")
    _say(f"Ctrl-C stops everything; the data stays in {plan.data_dir}.")


def _where_mail_goes(settings: Settings) -> str:
    """Nothing of the relay's credentials."""
    if settings.mail.transport is not Transport.SMTP:
        return WAYS[settings.mail.transport]
    return f"{settings.relay.host}:{settings.relay.port}"


def _say(sentence: str) -> None:
    """To whoever still listens: everything goes on when the terminal is gone."""
    with suppress(OSError):
        click.echo(sentence, err=True)


def _say_to_who_waits(sentence: str) -> None:
    """To a person at a terminal; a file or a service manager does not wait."""
    with suppress(OSError, ValueError):
        if sys.stderr.isatty():
            _say(sentence)


async def _tell_what_needs_a_person(settings: Settings, plan: Plan) -> None:
    """What the doctor would have somebody mend; of what is no fault of a first try, nothing."""
    async with looking_at(settings, os.environ, plan.data_dir) as patient:
        for finding in await for_a_person(patient):
            _say(finding.line)


async def _set_up_link(settings: Settings) -> str | None:
    """A link for the first account, until one account has a password: nobody gets in by being first."""
    async with runtime.running(settings) as running:
        application, origin = running.application, system("up")
        accounts = await application.accounts.list()
        if any(account.password_hash for account in accounts):
            return None
        if not any(account.username.key == FIRST_ACCOUNT.key for account in accounts):
            await application.accounts.create(origin, FIRST_ACCOUNT)
        return await application.accounts.make_set_up_link(origin, FIRST_ACCOUNT)
