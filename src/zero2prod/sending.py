"""The delivery worker as a process: until a signal, or until all that is due has been tried."""

import os
import platform
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing

import structlog

from adapters_email.smtp import SmtpMailer
from zero2prod.mail_container import MailContainer
from zero2prod.processes import stopping_on_signals
from zero2prod.runtime import Runtime, running
from zero2prod.settings import Settings
from zero2prod.worker import Drained, Pace, Parts, Worker
from zero2prod_core.ports.mailer import Mailer
from zero2prod_core.ports.telemetry import Readings

log = structlog.get_logger(__name__)


def worker_name() -> str:
    """Tells workers apart in leases and logs: the machine and the process."""
    return f"{platform.node()}:{os.getpid()}"


def _worker(runtime: Runtime, mailer: Mailer) -> Worker:
    container, delivery = runtime.container, runtime.settings.delivery
    return Worker(
        worker_name(),
        Parts(
            application=runtime.application,
            mailer=mailer,
            signal=container.signal(),
            locks=container.locks(),
            heartbeats=container.heartbeats(),
            pace=Pace(delivery.batch, delivery.poll, delivery.renewal),
        ),
    )


@asynccontextmanager
async def _sending(settings: Settings) -> AsyncIterator[tuple[Runtime, Mailer]]:
    """The application, and what sends its mail: the threads that sign end with the block.

    Raises:
        SettingInvalid: a key that is to sign cannot be read.
    """
    mail = MailContainer(settings=settings)
    async with running(settings) as runtime:
        with closing(mail.signing()):
            yield runtime, mail.mailer()


async def work(settings: Settings) -> None:
    """The delivery worker, until a signal."""
    async with _sending(settings) as (runtime, mailer), AsyncExitStack() as stack:
        worker = _worker(runtime, mailer)
        if settings.worker.port:
            from zero2prod.serving import shown  # noqa: PLC0415 - most workers are not reached over HTTP

            await stack.enter_async_context(shown(runtime, *_readings(worker, mailer)))
        log.info("working", worker=worker_name())
        with stopping_on_signals(worker.stop):
            await worker.run()
        log.info("stopped", worker=worker_name())


def _readings(worker: Worker, mailer: Mailer) -> list[Readings]:
    return [worker.readings, *([mailer.waits.readings] if isinstance(mailer, SmtpMailer) else [])]


async def drain(settings: Settings) -> Drained:
    """Deliver all that is due, and run each job once."""
    async with _sending(settings) as (runtime, mailer):
        worker = _worker(runtime, mailer)
        with stopping_on_signals(worker.stop):
            return await worker.drain()
