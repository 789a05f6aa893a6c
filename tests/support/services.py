"""Processes of ``zero2prod`` as a person or a service manager starts them.

What they write is kept in a file, and its end is printed at theirs, so that pytest shows it with a test that fails.
"""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import attrs
import orjson

from tests.support.ports import free_port
from tests.support.supervisors import NOTHING, Starter, caller
from tests.support.waiting import PATIENCE, until
from zero2prod.testing.builders import KEY, number

MODULE = ("-m", "zero2prod")

MARK = "TEST_SERVICE"
"""An environment variable that is another one in each service and is inherited by the processes that it starts."""

MEMORY_AT_MOST = 150
"""Megabytes that a worker may need, whatever the audience."""

LINES_SHOWN = 40

SECRET_KEYS = f"{KEY.id}:{KEY.secret.hex()}"
"""The builders' key, so that rows made by them and by the services have the same digests."""


def environment(settings: Mapping[str, object]) -> dict[str, str]:
    """This process's, with settings by their names without prefix: ``{"HTTP_PORT": 8000}``."""
    return os.environ | {f"ZERO2PROD_{name}": str(value) for name, value in settings.items()}


def marked(mark: str) -> dict[int, str]:
    """The processes with this mark that are alive, each with its command line; one that is awaited has neither."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has just ended, or it is another user's and so not ours
            if f"{MARK}={mark}\0".encode() in (process / "environ").read_bytes():
                words = (process / "cmdline").read_bytes().split(b"\0")
                found[int(process.name)] = " ".join(word.decode() for word in words).strip()
    return found


@attrs.frozen
class Service:
    """One process in a session of its own. ``output`` is the file of all that it writes."""

    process: "subprocess.Popen[bytes]"
    output: Path
    mark: str

    @property
    def said(self) -> str:
        return self.output.read_text(errors="replace")

    @property
    def family(self) -> dict[int, str]:
        """It and the processes it started, each with its command line."""
        return marked(self.mark)

    @property
    def peak_memory(self) -> float:
        """The most that it has had in memory at any time, in megabytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        (kilobytes,) = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
        return int(kilobytes) / 1024

    @property
    def processor_time(self) -> float:
        """Seconds that it has calculated, on all cores together."""
        words = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait(PATIENCE)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Its exit status after one signal."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@contextmanager
def started(
    *arguments: str, settings: Mapping[str, object] = NOTHING, starter: Starter | None = None
) -> Iterator[Service]:
    """``zero2prod`` with these arguments and settings; stopped at the end if it still runs."""
    who, mark = starter or caller(), f"{os.getpid()}-{number()}"
    with tempfile.TemporaryDirectory(prefix="zero2prod-output-") as directory:
        path = Path(directory, "output")
        with path.open("wb") as output:
            process: subprocess.Popen[bytes] = subprocess.Popen(
                [str(who.python), *MODULE, *arguments],
                env={**environment(settings), **who.environment, MARK: mark},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                **who.identity,
            )
        service = Service(process, path, mark)
        try:
            yield service
        finally:
            _end(process, mark)
            last_words = service.said.splitlines()[-LINES_SHOWN:]
            sys.stdout.write("\n".join([f"zero2prod {' '.join(arguments)} said at last:", *last_words, ""]))


def _end(process: "subprocess.Popen[bytes]", mark: str) -> None:
    """End it in good order, and by force whatever a failed test has left of its family."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(PATIENCE)
    for pid in marked(mark):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


def _says(service: Service, event: str) -> bool:
    """Whether it lives to log this. That its port takes connections would not say whose it is."""
    told = f'"{event}"'
    until(lambda: told in service.said or service.process.poll() is not None)
    return told in service.said and service.process.poll() is None


def run(
    *arguments: str, settings: Mapping[str, object] = NOTHING, stdin: str = ""
) -> "subprocess.CompletedProcess[str]":
    """A command that ends by itself."""
    who = caller()
    return subprocess.run(
        [str(who.python), *MODULE, *arguments],
        env={**environment(settings), **who.environment},
        cwd="/",
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


@attrs.frozen
class Installation:
    """Services that share a database and a relay."""

    settings: Mapping[str, object]

    @classmethod
    def over(cls, database_url: str, smtp_port: int, **settings: object) -> "Installation":
        """On a free port of loopback; further ``settings`` by their names without prefix."""
        usual = {
            "DATABASE_URL": database_url,
            "HTTP_PORT": free_port(),
            "HTTP_COOKIE_SECURE": False,
            "SECRET_KEYS": SECRET_KEYS,
            "LIMITS_ENABLED": False,
            "MAIL_SENDER": "news@example.org",
            "MAIL_SMTP_URL": f"smtp://127.0.0.1:{smtp_port}?tls=none",
        }
        return cls({**usual, **settings})

    @property
    def port(self) -> int:
        return int(str(self.settings["HTTP_PORT"]))

    @contextmanager
    def serving(self) -> Iterator[Service]:
        """The HTTP service, which takes connections."""
        with started("serve", settings=self.settings) as service:
            assert _says(service, "serving"), service.said
            yield service

    @contextmanager
    def working(self) -> Iterator[Service]:
        """A delivery worker, which has begun."""
        with started("worker", settings=self.settings) as service:
            assert _says(service, "working"), service.said
            yield service

    def run(self, *arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        return run(*arguments, settings=self.settings, stdin=stdin)

    def told(self, *arguments: str, stdin: str = "") -> Any:  # noqa: ANN401 - whatever the command tells
        """What a command that must succeed says in JSON."""
        done = self.run(*arguments, "--json", stdin=stdin)
        assert done.returncode == 0, done.stderr
        return orjson.loads(done.stdout)
