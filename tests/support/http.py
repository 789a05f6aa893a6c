"""The web application over stores in memory, served on a real port, and a browser of sorts."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

import aiohttp
import attrs
from aiohttp import web
from yarl import URL

from adapters_http.app import make_app
from adapters_http.config import HttpConfig
from adapters_http.doors import Door
from adapters_http.instruments import NO_INSTRUMENTS, Instruments
from adapters_http.mailbox import Mailbox
from adapters_memory import InMemoryHealth, InMemoryHeartbeats, InMemoryUnitOfWork
from adapters_memory.store import utc_now
from adapters_system.ids import TimeOrderedIds
from adapters_system.randomness import SystemRandomness
from tests.support.doors import door
from tests.support.outages import Unsteady
from zero2prod.testing.application import CheapPasswordHasher
from zero2prod.testing.builders import KEYS, origin
from zero2prod_core.application import Application, Ports
from zero2prod_core.domain.accounts import Username
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.tokens import Purpose, token_text
from zero2prod_core.ports.store import Health
from zero2prod_core.usecases.policy import Policy

BASE_URL = "http://news.example"
PASSWORD = "a sentence of her own"
COMMON = frozenset({"password1234"})
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Accept": "application/json"}
CONFIG = HttpConfig(BASE_URL, KEYS, cookie_secure=False)


@attrs.frozen
class Answer:
    """A response, read to its end."""

    status: int
    headers: Mapping[str, str]
    cookies: Mapping[str, Any]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def location(self) -> str:
        return self.headers["Location"]


@attrs.frozen
class Browser:
    """Asks the site on a port of loopback; keeps cookies and follows no redirect."""

    port: int
    client: aiohttp.ClientSession

    async def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        return await self.send("GET", path, headers)

    async def post(
        self, path: str, fields: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """A form; without fields, no body at all."""
        if fields is None:
            return await self.send("POST", path, headers)
        return await self.send("POST", path, {**FORM, **(headers or {})}, urlencode(fields).encode())

    async def send(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        """Any request, its path and query exactly as given."""
        url = URL(f"http://127.0.0.1:{self.port}{path}", encoded=True)
        data = None if body is None else BytesIO(body)
        async with self.client.request(method, url, data=data, headers=headers, allow_redirects=False) as response:
            return Answer(response.status, response.headers, response.cookies, await response.read())


@asynccontextmanager
async def browsing(port: int) -> AsyncIterator[Browser]:
    """A browser with an empty cookie jar."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
        yield Browser(port, client)


@attrs.frozen
class House(Browser):
    """A served application with its stores, and the browser that looks at it."""

    uow: Unsteady
    application: Application
    heartbeats: InMemoryHeartbeats
    site: web.Application

    async def log_in(self, username: str = "ada") -> None:
        """Make an account and a session of it."""
        await self.application.accounts.create(origin(), Username(username))
        await self.application.accounts.set_password(origin(), Username(username), PASSWORD)
        answer = await self.post("/login", {"username": username, "password": PASSWORD})
        assert answer.location == "/admin/dashboard"

    async def set_up_path(self, username: str = "ada") -> str:
        """Make an account; the path and query of its set-up link."""
        await self.application.accounts.create(origin(), Username(username))
        link = await self.application.accounts.make_set_up_link(origin(), Username(username))
        return link.removeprefix(BASE_URL)

    async def confirmation_token(self) -> str:
        """What stands in the link of the one mail that waits."""
        (parcel,) = (await self.application.deliveries.claim("test", 10, urgent=True)).parcels
        return token_text(KEYS.newest, Purpose.CONFIRM, parcel.delivery.key.occasion)


@asynccontextmanager
async def serving(
    config: HttpConfig = CONFIG,
    health: Health | None = None,
    mailbox: Mailbox | None = None,
    instruments: Instruments = NO_INSTRUMENTS,
    at_the_door: Door | None = None,
    clock: Callable[[], Instant] = utc_now,
) -> AsyncIterator[House]:
    """A house on a free port of loopback."""
    memory = InMemoryUnitOfWork(clock)
    uow = Unsteady(memory)
    ids = TimeOrderedIds()
    heartbeats = InMemoryHeartbeats(memory)
    sender = EmailAddress.parse("news@example.com")
    policy = Policy(BASE_URL, sender, common_passwords=COMMON, limits=config.limits)
    application = Application.assemble(Ports(uow, ids, SystemRandomness(), CheapPasswordHasher(), KEYS, policy))
    sound, asking = health or InMemoryHealth(), at_the_door or door()
    app = make_app(application, config, sound, heartbeats, ids, asking, mailbox, instruments)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port: int = runner.addresses[0][1]
    try:
        async with browsing(port) as browser:
            yield House(port, browser.client, uow, application, heartbeats, app)
    finally:
        await runner.cleanup()
