"""A site whose sign-ups are written in one way or another: ``python -m benchmarks.support.sites WAY``.

It is served as `zero2prod serve` serves it, and takes its settings from the environment.
"""

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from types import MappingProxyType

import attrs

from tests.support.ports import free_port, listens
from tests.support.services import SECRET_KEYS, environment
from tests.support.waiting import until
from zero2prod.logs import configure
from zero2prod.runtime import run
from zero2prod.serving import gathered, serve
from zero2prod.settings_loading import load
from zero2prod_core.application import Application
from zero2prod_core.domain.subscribers import SignUp
from zero2prod_core.ports.telemetry import Telemetry

__all__ = ["GATHERED", "NOTHING", "PLAIN", "site"]

GATHERED, PLAIN, NOTHING = "gathered", "plain", "nothing"

AMPLE = "1000000/s"
"""Every limit is looked at and taken from, and none is reached."""

LIMITS = ("SIGN_UP_NETWORK", "SIGN_UP_SITE", "SIGN_UP_TOTAL", "REQUEST_NETWORK", "RECIPIENT_DOMAIN", "MAIL_TOTAL")


@asynccontextmanager
async def plain(application: Application, _: Telemetry) -> AsyncIterator[Application]:
    """A transaction of its own for each, in separate statements."""
    yield application


@asynccontextmanager
async def nothing(application: Application, _: Telemetry) -> AsyncIterator[Application]:
    """The form is read and answered, and nothing is written."""

    async def subscribe(_: SignUp) -> None:
        return None

    yield attrs.evolve(application, subscribe=subscribe)


WAYS = MappingProxyType({GATHERED: gathered, PLAIN: plain, NOTHING: nothing})


@contextmanager
def site(way: str, database_url: str, **settings: object) -> Iterator[int]:
    """A site in a process of its own, at the port that this yields."""
    port = free_port()
    ample: Mapping[str, object] = {f"LIMITS_{limit}": AMPLE for limit in LIMITS}
    told = environment(
        {
            "DATABASE_URL": database_url,
            "SECRET_KEYS": SECRET_KEYS,
            "HTTP_PORT": port,
            "HTTP_COOKIE_SECURE": "false",
            "LIMITS_CONNECTIONS_PER_NETWORK": 5000,
            **ample,
            **settings,
        }
    )
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.support.sites", way], env=told, stdout=subprocess.DEVNULL
    ) as process:
        try:
            until(lambda: listens(port), seconds=30)
            yield port
        finally:
            process.terminate()


if __name__ == "__main__":
    settings = load()
    configure(settings.log.format)
    run(serve(settings, WAYS[sys.argv[1]]))
