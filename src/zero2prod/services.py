"""The processes under ``zero2prod up``: each in a session of its own, kept alive, ended in order."""

import asyncio
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO, Any

import structlog

from adapters_postgres.embedded.processes import guarded
from zero2prod.settings import name_of
from zero2prod_core.errors import SettingInvalid

log = structlog.get_logger(__name__)

SITE = "serve"
WORKER = "worker"

WORKER_PORT = name_of("worker.port")

LOG_KEPT = 10 * 1024 * 1024
"""Bytes of the services' log kept from one start to the next; what is longer begins anew."""

READY_WITHIN = 30.0
"""Seconds for the site to answer after its start; it takes about one."""

LOOKS_EVERY = 0.05
"""Seconds between looks for the site: a person does not notice so little."""

STOPS_WITHIN: Mapping[str, float] = {SITE: 12.0, WORKER: 30.0}
"""Seconds after SIGTERM until SIGKILL: a little more than each gives its own work."""

RESTART_AFTER = 1.0
"""Seconds before something that ended by itself is started again."""

WRONG_SET_UP = 2
"""The exit code of a service that cannot run as it is set up: starting it again would not help."""


class Kept:
    """A task that goes on until `end`, or its own. A failure of it is logged at once: nobody awaits it."""

    def __init__(self, keeping: Coroutine[Any, Any, None]) -> None:
        self._task = asyncio.create_task(keeping)
        self._task.add_done_callback(_log_failure)

    async def end(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


def _log_failure(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (error := task.exception()):
        log.error("task_failed", exc_info=error)


class Services:
    """The site's and the workers' processes, started again when they end by themselves.

    Args:
        environment: what they run with.
        log_file: where their output goes.
        stop: set where one of them cannot run as it is set up; `check` then says why.
    """

    def __init__(self, environment: Mapping[str, str], log_file: IO[bytes], stop: asyncio.Event) -> None:
        self._environment = environment
        self._log = log_file
        self._stop = stop
        self._running: dict[str, Process] = {}
        self._keepers: list[Kept] = []
        self._misfit: str | None = None

    async def start(self, name: str, *arguments: str, **changed: str) -> None:
        """Start a service. ``changed`` is what differs in its environment from that of the others."""
        environment = {**self._environment, **changed}
        self._running[name] = await self._spawn(arguments, environment)
        self._keepers.append(Kept(self._keep(name, arguments, environment)))

    async def _spawn(self, arguments: Sequence[str], environment: Mapping[str, str]) -> Process:
        command = guarded([sys.executable, "-m", "zero2prod", *arguments], None, signal.SIGTERM)
        return await asyncio.create_subprocess_exec(
            *command,
            env=environment,
            stdin=DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )

    async def _keep(self, name: str, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        while True:
            status = await self._running[name].wait()
            if status == WRONG_SET_UP:
                self._misfit = f"{name} cannot run as it is set up: {self._last_words()}"
                self._stop.set()
                return
            log.warning("service_ended", service=name, status=status, restarting=True)
            await asyncio.sleep(RESTART_AFTER)
            try:
                self._running[name] = await self._spawn(arguments, environment)
            except OSError as error:
                log.error("service_does_not_start", service=name, reason=error.strerror)

    def check(self) -> None:
        """Raises SettingInvalid where a service cannot run as it is set up, with the service's own words."""
        if self._misfit:
            raise SettingInvalid("up", self._misfit)

    async def ready(self, host: str, port: int) -> None:
        """Return when the site takes connections, or when everything stops.

        Raises:
            SettingInvalid: it takes too long.
        """
        deadline = asyncio.get_running_loop().time() + READY_WITHIN
        while not self._stop.is_set():
            if asyncio.get_running_loop().time() > deadline:
                raise SettingInvalid("up", f"the site did not start. {self._log.name} ends with: {self._last_words()}")
            try:
                _, writer = await asyncio.open_connection(host, port)
            except OSError:
                await asyncio.sleep(LOOKS_EVERY)
            else:
                writer.close()
                return

    def _last_words(self) -> str:
        lines = Path(self._log.name).read_text(errors="replace").splitlines()
        return lines[-1].removeprefix("zero2prod: ") if lines else "it said nothing."

    async def end(self) -> None:
        """End the site first, so that nothing new is promised, then the workers, drained; cancelled, all at once."""
        await asyncio.gather(*(keeper.end() for keeper in self._keepers))
        try:
            for kind, seconds in STOPS_WITHIN.items():
                chosen = [process for name, process in self._running.items() if name.startswith(kind)]
                await asyncio.gather(*(_end(process, seconds) for process in chosen))
        finally:
            await asyncio.gather(*(_kill(process) for process in self._running.values()))


async def _end(process: Process, seconds: float) -> None:
    try:
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(seconds):
            await process.wait()
    except TimeoutError:
        await _kill(process)


async def _kill(process: Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.wait()


@asynccontextmanager
async def running_services(
    environment: Mapping[str, str], data_dir: Path, workers: int, stop: asyncio.Event
) -> AsyncIterator[Services]:
    """One site and ``workers`` workers, until the block ends."""
    with _log_file(data_dir / "services.log") as log_file:
        services = Services(environment, log_file, stop)
        try:
            await services.start(SITE, "serve")
            for number in range(workers):
                await services.start(f"{WORKER} {number + 1}", "worker", **_own_port(environment, number))
            yield services
        finally:
            await services.end()


def _own_port(environment: Mapping[str, str], number: int) -> Mapping[str, str]:
    """The ports of workers on one machine follow each other; without one none has any."""
    first = int(environment.get(WORKER_PORT, 0))
    return {WORKER_PORT: str(first + number)} if first else {}


@contextmanager
def _log_file(path: Path) -> Iterator[IO[bytes]]:
    path.touch(0o600)
    with path.open("wb" if path.stat().st_size > LOG_KEPT else "ab") as file:
        yield file
