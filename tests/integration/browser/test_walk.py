"""The first five minutes in a real browser, from nothing but what the terminal of ``zero2prod up`` says."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta

import attrs
import pytest
from playwright.async_api import Browser, BrowserContext, Locator, Page, ViewportSize, expect

from adapters_http.form_stamps import QUICKEST
from tests.support.browser import DESKTOP, PHONE, faults, watched
from tests.support.core import ADA, PASSWORD
from tests.support.hands import Hands, Keyboard, Pointer
from tests.support.postgres import scratch_directory
from tests.support.up import House, up
from tests.support.waiting import eventually

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.system_package("chromium", "chromium"),
    pytest.mark.untraced,
]

STEPS = (
    "Subscribe yourself",
    "Open the mailbox",
    "Confirm your subscription",
    "Publish an issue",
    "See it arrive",
)

# Looks into the mailbox, or at the checklist, before what must come has come; each takes a page's time.
MOST_LOOKS = 100

# Between the server's clock and the page's.
MARGIN = timedelta(milliseconds=500)

# Form, answer, and back again.
MOST_STEPS_BACK = 5


@pytest.fixture
def house() -> Iterator[House]:
    """A first start: an empty database, and a set-up link that nobody has used."""
    with scratch_directory() as directory, up(directory / "data", "--data-dir", str(directory / "data")) as running:
        yield running


@attrs.define
class Person:
    """At one page of the browser at a time; ``places`` are what the terminal printed."""

    context: BrowserContext
    hands: Hands
    places: Mapping[str, str]
    page: Page
    scripts: bool

    async def open(self, url: str) -> None:
        """Typed, or pasted from the terminal."""
        await self.page.goto(url)
        await self.arrive()

    async def arrive(self, heading: str = "") -> None:
        """On a page that has nothing amiss, and this heading."""
        if heading:
            await expect(self.page.get_by_role("heading", level=1)).to_have_text(heading)
        assert await faults(self.page) == []
        await self.hands.arrive(self.page)

    async def write(self, **fields: str) -> None:
        for label, text in fields.items():
            words = re.compile(rf"^{label.replace('_', ' ')}( \(optional\))?$")
            await self.hands.write(self.page.get_by_label(words), text)

    async def think(self, over: timedelta) -> None:
        """Until the page has been here for so long: who is faster than a person has a challenge to answer, and without
        scripts that is a wait.
        """
        page = self.page

        async def is_over() -> bool:
            return bool(await page.evaluate("performance.now()") > over / timedelta(milliseconds=1))

        assert await eventually(is_over)

    async def press(self, button: str, then: str) -> None:
        await self._leave(self.page.get_by_role("button", name=button, exact=True))
        await self.arrive(then)

    async def follow(self, link: str, then: str = "") -> None:
        await self._leave(self.page.get_by_role("link", name=link, exact=True))
        await self.arrive(then)

    async def _leave(self, by: Locator) -> None:
        """The next page may have the same heading, or be the same one again."""
        async with self.page.expect_navigation():
            await self.hands.press(by)

    async def back(self) -> None:
        """To the dashboard, by the browser's own button."""
        for _ in range(MOST_STEPS_BACK):
            if self.page.url.endswith("/admin/dashboard"):
                return
            await self.page.go_back()
        raise AssertionError(f"the way back leads to {self.page.url}")

    def item(self, step: str) -> Locator:
        return self.page.get_by_role("listitem").filter(has_text=step)

    async def sees_done(self, *done: str) -> None:
        """Exactly these items are ticked; the dashboard is asked again until they are."""
        await expect(self.page.get_by_role("heading", level=1)).to_have_text("Welcome admin")
        for _ in range(MOST_LOOKS):
            if await self._done() == done:
                break
            await self.page.reload()
        assert await self._done() == done

    async def _done(self) -> tuple[str, ...]:
        return tuple([step for step in STEPS if await self.item(step).get_by_text("Done", exact=True).count()])

    async def find_mail(self, subject: str) -> None:
        """Refresh the mailbox until the mail is there, and open it."""
        mail = self.page.get_by_role("link", name=subject, exact=True)
        for _ in range(MOST_LOOKS):
            if await mail.count():
                break
            await self.page.reload()
        await self.follow(subject, subject)


async def set_up(person: Person) -> None:
    await person.open(person.places["Staff"])
    await person.write(New_password=PASSWORD, The_same_once_more=PASSWORD)
    await person.press("Set the password", "Log in")
    await person.write(Username="admin", Password=PASSWORD)
    await person.press("Log in", "Welcome admin")
    await person.sees_done()


async def subscribe(person: Person) -> None:
    await person.follow(STEPS[0], "Subscribe to the newsletter")
    assert person.page.url == person.places["Site"]
    await person.write(**{"Name": "Ada", "E-mail address": ADA})
    if not person.scripts:
        await person.think(QUICKEST + MARGIN)
    await person.press("Subscribe", "Look into your mailbox")
    await person.back()
    await person.sees_done(STEPS[0])


async def open_mailbox(person: Person) -> None:
    await person.follow(STEPS[1], "Mails")
    assert person.page.url == person.places["Mailbox"]
    await person.back()
    await person.sees_done(*STEPS[:2])


async def confirm(person: Person) -> None:
    await person.follow(STEPS[2], "Mails")
    await person.find_mail("Confirm your subscription to Newsletter")
    link = person.page.get_by_role("link").filter(has_text="/subscriptions/confirm")
    async with person.context.expect_page() as opening:
        await person.hands.press(link)
    mailbox, person.page = person.page, await opening.value
    await person.arrive("Confirm your subscription to Newsletter")
    await person.press("Confirm my subscription", "You are subscribed")
    await person.page.close()
    person.page = mailbox
    await person.back()
    await person.sees_done(*STEPS[:3])


async def publish(person: Person) -> None:
    await person.follow(STEPS[3], "Publish an issue")
    await person.write(Title="A first issue", Text="Some words.")
    await person.press("Publish", "Publish an issue")
    await expect(person.page.get_by_role("status")).to_contain_text("has been accepted")
    await person.follow("Dashboard", "Welcome admin")
    await person.sees_done(*STEPS)


async def see_it_arrive(person: Person) -> None:
    await person.follow(STEPS[4], "Mails")
    await person.find_mail("A first issue")
    await expect(person.page.get_by_text("Some words.")).to_be_visible()
    await person.back()


async def look_up(person: Person) -> None:
    await person.follow("Subscribers", "Subscribers")
    await person.write(Search=ADA[:3].upper())
    await person.press("Search", "Subscribers")
    await person.follow(ADA, ADA)
    await expect(person.page.get_by_text("Confirmed the sign-up by the link in a mail")).to_be_visible()
    await person.follow("Dashboard", "Welcome admin")


async def dismiss(person: Person) -> None:
    await person.press(f"Dismiss: {STEPS[4]}", "Welcome admin")
    await expect(person.item(STEPS[4])).to_have_count(0)
    await expect(person.item(STEPS[3])).to_have_count(1)
    await person.press("Dismiss all", "Welcome admin")
    await expect(person.page.get_by_role("heading", name="The first five minutes")).to_have_count(0)


@pytest.mark.parametrize(
    ("hands", "size", "scripts"),
    [
        pytest.param(Pointer, DESKTOP, True, id="desktop"),
        pytest.param(Pointer, PHONE, True, id="phone"),
        pytest.param(Keyboard, DESKTOP, True, id="keyboard"),
        pytest.param(Pointer, DESKTOP, False, id="without scripts"),
    ],
)
async def test_the_first_five_minutes(
    browser: Browser, house: House, hands: Callable[[], Hands], size: ViewportSize, scripts: bool
) -> None:
    async with watched(browser, size, scripts=scripts) as (context, watch):
        person = Person(context, hands(), house.addresses, await context.new_page(), scripts)
        for step in (set_up, subscribe, open_mailbox, confirm, publish, see_it_arrive, look_up, dismiss):
            await step(person)
        assert watch.asked == {url.split("/")[2] for url in house.addresses.values()}
