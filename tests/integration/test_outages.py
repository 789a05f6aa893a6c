"""Database, mail server and worker going away under running processes: a quick no, nothing lost, back by itself."""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import psycopg
import pytest

from adapters_postgres.embedded import EmbeddedPostgres
from adapters_postgres.unit_of_work import PostgresUnitOfWork
from tests.support.core import PASSWORD
from tests.support.databases import Database, migrated_database
from tests.support.http import Answer, Browser, browsing
from tests.support.pools import opened_pool
from tests.support.ports import free_port
from tests.support.postgres import scratch_directory
from tests.support.server_faults import go_on, hang, kill
from tests.support.services import Installation
from tests.support.smtp_server import SILENT, Received, SmtpServer
from tests.support.stopwatches import stopwatch
from tests.support.waiting import eventually, until
from zero2prod.testing.builders import number
from zero2prod.testing.ledger import Ledger

# The site's own limit is below 2 s (tests/unit/adapters_http/test_patience.py), and a pool that has failed is back
# within a second; -s shows what was measured. The rest is for a busy machine.
ANSWERED_WITHIN = 15.0
RECOVERED_WITHIN = 15.0

# Seconds, as the reference of routes says. A busy machine spoils some of several answers, not all.
PROMISED = 2.0

# Faster would fill the log with minutes of refusals.
ASKS_EVERY = 0.2

READERS = 200

# A worker's connections, one of which is kept for urgent mail.
CONNECTIONS = 4

HURRY = """
UPDATE deliveries SET due_at = clock_timestamp() WHERE due_at > clock_timestamp();
UPDATE deliveries SET resend_at = clock_timestamp() WHERE resend_at > clock_timestamp();
"""


@pytest.fixture(scope="module")
def own_server() -> Iterator[EmbeddedPostgres]:
    # Killed processes lose what they have not yet written to a file; the file itself need not reach the disk.
    with scratch_directory() as directory, EmbeddedPostgres(directory / "data", options={"fsync": "off"}) as server:
        yield server


@pytest.fixture
def server(own_server: EmbeddedPostgres) -> Iterator[EmbeddedPostgres]:
    """Working at the beginning and at the end, whatever a test does to it."""
    yield own_server
    go_on(own_server)
    own_server.start()


@pytest.fixture
def place(server: EmbeddedPostgres) -> Iterator[Database]:
    """A database of one's own on the server that goes away."""
    with migrated_database(server, f"outage_{number()}") as made:
        yield made


@pytest.fixture
def steady(postgres_server: EmbeddedPostgres) -> Iterator[Database]:
    """A database of one's own on a server that stays."""
    with migrated_database(postgres_server, f"steady_{number()}") as made:
        yield made


def shut_down(server: EmbeddedPostgres) -> None:
    """As an administrator does: every client is sent away, and then connections are refused."""
    assert server.pid
    os.kill(server.pid, signal.SIGINT)
    assert until(lambda: server.pid is None)


@attrs.frozen
class Fault:
    begin: Callable[[EmbeddedPostgres], None]
    end: Callable[[EmbeddedPostgres], None]


FAULTS = {
    "shut down": Fault(shut_down, EmbeddedPostgres.start),
    "killed": Fault(kill, EmbeddedPostgres.start),
    "hung": Fault(hang, go_on),
}


@attrs.frozen
class Site:
    """A browser that is logged in, and the three requests that need the database."""

    browser: Browser

    async def sign_up(self, email: str = "") -> Answer:
        return await self.browser.post("/subscriptions", {"name": "Ada", "email": email or f"a{number()}@example.com"})

    async def log_in(self) -> Answer:
        return await self.browser.post("/login", {"username": "ada", "password": PASSWORD})

    async def look(self) -> Answer:
        return await self.browser.get("/admin/dashboard")

    async def refused(self, ask: Callable[[], Any]) -> float:
        """The seconds after which it is answered by 503."""
        async with stopwatch() as passed:
            answer = await ask()
            seconds = passed()
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) > 0
        return seconds

    async def works(self, email: str) -> bool:
        answers = await asyncio.gather(self.sign_up(email), self.log_in(), self.look())
        return [answer.status for answer in answers] == [200, 303, 200]


@asynccontextmanager
async def logged_in(house: Installation) -> AsyncIterator[Site]:
    await asyncio.to_thread(house.told, "admin", "create", "ada", "--password-stdin", stdin=f"{PASSWORD}\n")
    async with browsing(house.port) as browser:
        site = Site(browser)
        assert (await site.log_in()).status == 303
        yield site


async def expect_refusals(site: Site) -> None:
    """While the database is away: fifty sign-ups and one request of each other kind at once, then one by one."""
    crowd = (*(site.sign_up for _ in range(50)), site.log_in, site.look)
    at_once = await asyncio.gather(*(site.refused(ask) for ask in crowd))
    later = [await site.refused(ask) for ask in (site.sign_up, site.log_in, site.look)]
    report("seconds to 503: all at once, later", max(at_once), max(later))
    assert max(*at_once, *later) <= ANSWERED_WITHIN
    assert min(later) <= PROMISED
    assert (await site.browser.get("/health_check")).status == 200
    ready = await site.browser.get("/health/ready")
    assert ready.status == 503
    assert "Retry-After" in ready.headers
    assert '"failing": ["database"' in ready.text


async def expect_recovery(site: Site, relay: SmtpServer) -> None:
    """All works again in time, the worker too."""
    wanted: set[str] = set()

    async def works() -> bool:
        email = f"later-{number()}@example.com"
        wanted.add(email)
        return await site.works(email)

    async def mailed() -> bool:
        return bool(wanted & {mail.recipient for mail in relay.mails})

    async with stopwatch() as passed:
        assert await eventually(works)
        served = passed()
        assert await eventually(mailed)
        done = passed()
    report("seconds to recovery: site, worker", served, done)
    assert done <= RECOVERED_WITHIN
    assert (await site.browser.get("/health/ready")).status == 200


def report(what: str, *seconds: float) -> None:
    print(what, *(f"{each:.2f}" for each in seconds))  # noqa: T201 - a measurement, shown by -s


async def keep_asking(site: Site, seconds: float) -> None:
    until_then = time.monotonic() + seconds
    while time.monotonic() < until_then:
        assert await site.refused(site.sign_up) <= ANSWERED_WITHIN
        await asyncio.sleep(ASKS_EVERY)


@pytest.mark.untraced
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("away", [0, pytest.param(125, marks=pytest.mark.soak)])
async def test_the_database_goes_away_and_comes_back(
    server: EmbeddedPostgres, place: Database, fault: Fault, away: float
) -> None:
    async with SmtpServer() as relay:
        house = Installation.over(place.url, relay.port)
        with house.serving(), house.working():
            async with logged_in(house) as site:
                await asyncio.to_thread(fault.begin, server)
                await expect_refusals(site)
                await keep_asking(site, away)
                await asyncio.to_thread(fault.end, server)
                await expect_recovery(site, relay)


async def mailed(relay: SmtpServer, *recipients: str) -> bool:
    """Whether everybody has got a mail in time."""

    async def arrived() -> bool:
        return {mail.recipient for mail in relay.mails} >= set(recipients)

    return await eventually(arrived)


async def hurried(database: Database, relay: SmtpServer) -> bool:
    """Whether a mail arrives when time is made to pass."""

    async def arrived() -> bool:
        database.superuser.execute(HURRY)
        return bool(relay.mails)

    return await eventually(arrived)


async def once(database: Database, question: str) -> bool:
    """Whether the answer becomes true in time."""

    async def holds() -> bool:
        return bool(database.superuser.execute(question.encode()).fetchall()[0][0])

    return await eventually(holds)


@pytest.mark.untraced
async def test_mails_wait_for_a_mail_server_that_refuses_connections(steady: Database) -> None:
    relay = SmtpServer()
    relay.port = free_port()
    house = Installation.over(steady.url, relay.port)
    with house.serving(), house.working():
        async with browsing(house.port) as browser:
            assert (await Site(browser).sign_up("ada@example.com")).status == 200
            assert await once(steady, "SELECT state = 'pending' AND reply IS NOT NULL FROM deliveries")
        async with relay:
            assert await hurried(steady, relay)
            assert await once(steady, "SELECT state = 'sent' FROM deliveries")
            assert [mail.recipient for mail in relay.mails] == ["ada@example.com"]


@pytest.mark.untraced
async def test_mails_wait_for_a_mail_server_that_says_nothing(steady: Database) -> None:
    async with SmtpServer() as relay:
        relay.script["CONNECT"].append(SILENT)
        house = Installation.over(steady.url, relay.port, MAIL_TIMEOUT="1s")
        with house.serving(), house.working():
            async with browsing(house.port) as browser:
                assert (await Site(browser).sign_up("ada@example.com")).status == 200
            await relay.heard("CONNECT")
            assert await once(steady, "SELECT state IN ('pending', 'deferred') AND reply IS NOT NULL FROM deliveries")
            assert await hurried(steady, relay)
            assert await once(steady, "SELECT state = 'sent' FROM deliveries")
            assert [mail.recipient for mail in relay.mails] == ["ada@example.com"]


class HalfWay:
    """Notes when a third of an issue has arrived; from then on the relay's answers wait, if it is to hold them."""

    def __init__(self, relay: SmtpServer, *, hold: bool) -> None:
        self.reached = asyncio.Event()
        self.released = asyncio.Event()
        self._relay, self._hold = relay, hold
        relay.at_end = self._note

    def _note(self, mail: Received) -> None:
        self._relay.mails.append(mail)
        if len(self._relay.mails) == READERS // 3:
            self.reached.set()
            if self._hold:
                self._relay.holds["END"] = self.released


async def with_readers(url: str) -> Sequence[str]:
    """The e-mail addresses of new confirmed subscribers."""
    async with opened_pool(url) as pool:
        readers = await Ledger(PostgresUnitOfWork(pool)).readers(READERS)
    return [reader.email.text for reader in readers]


async def publish(house: Installation, directory: Path) -> str:
    """Publish an issue from a terminal; returns its id."""
    (directory / "text").write_text("Some words.\n")
    arguments = ("issues", "publish", "--title", "News", "--text", str(directory / "text"))
    issue = await asyncio.to_thread(house.told, *arguments)
    assert issue["audience"] == READERS
    return str(issue["id"])


async def sums(url: str, expected: Callable[[Counter[str]], bool]) -> Counter[str]:
    """The ledger's sums when they are as expected; at any moment they add up to the audience."""
    found: Counter[str] = Counter()

    async def come_true() -> bool:
        async with await psycopg.AsyncConnection.connect(url) as connection:
            cursor = await connection.execute("SELECT state, count(*) FROM deliveries GROUP BY state")
            found.clear()
            found.update(dict(await cursor.fetchall()))
        assert found.total() == READERS
        return expected(found)

    assert await eventually(come_true), found
    return found


@pytest.mark.untraced
@pytest.mark.parametrize(
    ("hold", "lease", "away"),
    [
        pytest.param(True, 30, 0, id="answers outstanding"),
        pytest.param(False, 30, 0, id="at full speed"),
        pytest.param(True, 2, 3, id="for longer than its leases last"),
    ],
)
async def test_a_database_killed_amid_an_issue_loses_and_doubles_nothing(
    server: EmbeddedPostgres, place: Database, tmp_path: Path, *, hold: bool, lease: int, away: float
) -> None:
    async with SmtpServer() as relay:
        half_way = HalfWay(relay, hold=hold)
        house = Installation.over(place.url, relay.port, DELIVERY_LEASE=f"{lease}s", DELIVERY_RENEWAL="500ms")
        readers = await with_readers(place.url)
        with house.working():
            await publish(house, tmp_path)
            await half_way.reached.wait()
            await asyncio.to_thread(kill, server)
            half_way.released.set()
            await asyncio.sleep(away)
            await asyncio.to_thread(server.start)
            began = time.monotonic()
            assert await mailed(relay, *readers)
            report("seconds from the database's return to the issue's last mail", time.monotonic() - began)
            await sums(place.url, lambda found: found["sent"] == READERS)
        assert Counter(mail.recipient for mail in relay.mails) == Counter(readers)


@pytest.mark.untraced
async def test_another_worker_finishes_what_a_killed_one_held(steady: Database, tmp_path: Path) -> None:
    async with SmtpServer() as relay:
        half_way = HalfWay(relay, hold=True)
        house = Installation.over(steady.url, relay.port, DELIVERY_LEASE="2s", DELIVERY_RENEWAL="500ms")
        readers = await with_readers(steady.url)
        with house.working() as first:
            await publish(house, tmp_path)
            await half_way.reached.wait()
            await asyncio.to_thread(first.kill)
        half_way.released.set()
        with house.working():
            began = time.monotonic()
            found = await sums(steady.url, lambda found: found["sent"] + found["uncertain"] == READERS)
            report("seconds from the worker's death to the other's last mail", time.monotonic() - began)
            assert found["uncertain"] <= CONNECTIONS
            steady.superuser.execute(HURRY)
            await sums(steady.url, lambda found: found["sent"] == READERS)
        copies = Counter(mail.recipient for mail in relay.mails)
        assert copies.keys() == set(readers)
        assert copies.total() - READERS <= CONNECTIONS


async def test_drain_delivers_what_is_due_and_ends(steady: Database, tmp_path: Path) -> None:
    async with SmtpServer() as relay:
        house = Installation.over(steady.url, relay.port)
        readers = await with_readers(steady.url)
        issue = await publish(house, tmp_path)
        assert await asyncio.to_thread(house.told, "worker", "--drain") == {"sent": READERS}
        assert Counter(mail.recipient for mail in relay.mails) == Counter(readers)
        shown = await asyncio.to_thread(house.told, "issues", "show", issue)
        assert (shown["state"], shown["sums"]["sent"]) == ("finished", READERS)
        again = await asyncio.to_thread(house.run, "worker", "--drain")
        assert (again.returncode, again.stdout.splitlines()[0][:11]) == (0, "Nothing was")


async def test_drain_tells_what_a_relay_that_is_away_leaves_behind(steady: Database, tmp_path: Path) -> None:
    house = Installation.over(steady.url, free_port())
    await with_readers(steady.url)
    await publish(house, tmp_path)
    done = await asyncio.to_thread(house.run, "worker", "--drain")
    assert done.returncode == 1
    assert done.stdout == f"throttled\t{READERS}\n"
    last_words = done.stderr.splitlines()[-1]
    assert last_words == f"zero2prod: {READERS} due mails could not be tried; they stay in the ledger."
    await sums(steady.url, lambda found: found["pending"] == READERS)
