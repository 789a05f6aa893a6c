"""The main job at scale, on real parts: processes, HTTP, PostgreSQL and SMTP.

A thousand people sign up, all but ten confirm, an issue is published, and every confirmed reader receives it once.
"""

import asyncio
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any, TypeVar

import pytest

from adapters_postgres.embedded import EmbeddedPostgres
from tests.support.core import PASSWORD, token_in
from tests.support.databases import Database, migrated_database
from tests.support.http import Browser, browsing
from tests.support.parcels import parsed, words
from tests.support.services import Installation
from tests.support.smtp_server import Received, SmtpServer
from tests.support.waiting import eventually
from zero2prod.testing.builders import number

pytestmark = pytest.mark.untraced

SIGN_UPS = 1000
UNCONFIRMED = 10
AT_ONCE = 32

NAMES = ("Ursula Le Guin", "Мария Иванова", "中村 明", "Ἀριστοτέλης", "أحمد", "Zoë 👩‍🚀")

TITLE = "Nº 1 — Привет, 世界 🚀"
LINES = ["Здравствуйте! こんにちは", ".", "..", ".hidden", "x" * 5000, "long " * 400 + "ünd so weiter", "", "the end"]
TEXT = "\r\n".join(LINES)
HTML = f"<h1>Привет, 世界 🚀</h1>\r\n<p>{'y' * 5000}</p>\r\n.\r\n<p>Τέλος</p>"

ACCEPTED = "The newsletter issue has been accepted - emails will go out shortly."
FLASH = re.compile(r"<p><i>(.*?)</i></p>")
LINK = re.compile(r"http://\S+/subscriptions/confirm\?\S+")

Item = TypeVar("Item")

READERS = [f"reader-{each}@example.com" for each in range(SIGN_UPS)]


@contextmanager
def timed(what: str, count: int) -> Iterator[None]:
    """Print how fast the block was."""
    began = time.monotonic()
    yield
    seconds = time.monotonic() - began
    print(f"{what}: {count} in {seconds:.2f} s, {count / seconds:.0f} per s")  # noqa: T201 - a measurement, shown by -s


async def each(items: Sequence[Item], verb: Callable[[Item], Awaitable[None]]) -> None:
    """Do it to every item, ``AT_ONCE`` at a time."""
    waiting = iter(items)

    async def lane() -> None:
        for item in waiting:
            await verb(item)

    await asyncio.gather(*(lane() for _ in range(AT_ONCE)))


async def mails_arrive(relay: SmtpServer, count: int) -> None:
    async def arrived() -> bool:
        return len(relay.mails) >= count

    assert await eventually(arrived), f"{len(relay.mails)} mails of {count}"


async def sign_up_all(browser: Browser) -> None:
    async def sign_up(reader: str) -> None:
        name = NAMES[READERS.index(reader) % len(NAMES)]
        assert (await browser.post("/subscriptions", {"name": name, "email": reader})).status == 200

    with timed("sign-ups", SIGN_UPS):
        await each(READERS, sign_up)


def token_from(mail: Received) -> str:
    """What the confirmation mail's one link holds, the same in both parts."""
    message = parsed(mail.content)
    assert message["To"] == mail.recipient
    links = {link.rstrip('">') for part in ("plain", "html") for link in LINK.findall(words(message, part))}
    assert len(links) == 1
    return token_in(links.pop())


async def confirm_all(browser: Browser, mails: Sequence[Received]) -> None:
    async def confirm(mail: Received) -> None:
        assert (await browser.post("/subscriptions/confirm", {"subscription_token": token_from(mail)})).status == 200

    with timed("confirmations", len(mails)):
        await each(mails, confirm)


@asynccontextmanager
async def staff(port: int) -> AsyncIterator[Browser]:
    """A browser that is logged in."""
    async with browsing(port) as browser:
        answer = await browser.post("/login", {"username": "ursula", "password": PASSWORD})
        assert (answer.status, answer.location) == (303, "/admin/dashboard")
        yield browser


async def publish(browser: Browser) -> str:
    """Publish the issue; returns the flash of the page that follows."""
    issue = {"title": TITLE, "text_content": TEXT, "html_content": HTML, "idempotency_key": "the first"}
    answer = await browser.post("/admin/newsletters", issue)
    assert (answer.status, answer.location) == (303, "/admin/newsletters")
    (flash,) = FLASH.findall((await browser.get("/admin/newsletters")).text)
    return str(flash)


async def publish_twice_at_once(port: int) -> None:
    async with staff(port) as first, staff(port) as second:
        assert set(await asyncio.gather(publish(first), publish(second))) == {ACCEPTED}


async def finished_issue(house: Installation) -> dict[str, Any]:
    """The one issue there is, as the terminal shows it once it is finished."""
    (listed,) = await asyncio.to_thread(house.told, "issues", "list")
    shown: dict[str, Any] = {}

    async def finished() -> bool:
        shown.update(await asyncio.to_thread(house.told, "issues", "show", listed["id"]))
        return bool(shown["state"] == "finished")

    assert await eventually(finished), shown
    return shown


def audited(database: Database) -> dict[str, int]:
    """Audit events by action; a sweep happens or not."""
    rows = database.superuser.execute("SELECT action, count(*) FROM audit_events GROUP BY action").fetchall()
    return {action: count for action, count in rows if action != "system_swept"}


def expect_content(mail: Received) -> None:
    message = parsed(mail.content)
    assert message["To"] == mail.recipient
    assert message["Subject"] == TITLE
    link = message["List-Unsubscribe"].removeprefix("<").removesuffix(">")
    for body, published in ((words(message, "plain"), TEXT), (words(message, "html"), HTML)):
        assert published in body
        assert body.count(link) == 1


async def test_every_confirmed_reader_receives_the_issue_once(postgres_server: EmbeddedPostgres) -> None:
    async with SmtpServer() as relay, AsyncExitStack() as stack:
        database = stack.enter_context(migrated_database(postgres_server, f"main_job_{number()}"))
        house = Installation.over(database.url, relay.port)
        site = stack.enter_context(house.serving())
        workers = [stack.enter_context(house.working()) for _ in range(2)]
        browser = await stack.enter_async_context(browsing(house.port))

        with timed("sign-ups until their mails have arrived", SIGN_UPS):
            await sign_up_all(browser)
            await mails_arrive(relay, SIGN_UPS)
        confirmations, relay.mails = relay.mails, []
        relay.at_end = relay.mails.append
        assert Counter(mail.recipient for mail in confirmations) == Counter(READERS)

        confirmed = READERS[UNCONFIRMED:]
        await confirm_all(browser, [mail for mail in confirmations if mail.recipient in set(confirmed)])
        await asyncio.to_thread(house.told, "admin", "create", "ursula", "--password-stdin", stdin=f"{PASSWORD}\n")
        with timed("an issue from its publication to its last mail", len(confirmed)):
            await publish_twice_at_once(house.port)
            await mails_arrive(relay, len(confirmed))
        issue = await finished_issue(house)

        assert Counter(mail.recipient for mail in relay.mails) == Counter(confirmed)
        for mail in relay.mails:
            expect_content(mail)
        assert len({parsed(mail.content)["List-Unsubscribe"] for mail in relay.mails}) == len(confirmed)
        assert (issue["title"], issue["audience"]) == (TITLE, len(confirmed))
        assert issue["sums"]["sent"] == sum(issue["sums"].values()) == len(confirmed)
        assert audited(database) == {
            "subscriber_signed_up": SIGN_UPS,
            "subscriber_confirmed": len(confirmed),
            "user_created": 1,
            "authn_password_change": 1,
            "authn_login_success": 2,
            "issue_published": 1,
            "issue_finished": 1,
        }
        assert [await asyncio.to_thread(service.stop) for service in (*workers, site)] == [0, 0, 0]
        assert len(relay.mails) == len(confirmed)
