"""The pictures of the README, made anew from a real ``zero2prod up`` with readers and issues in it.

Run in the checkout: ``.venv/bin/python -m tests.screenshots``. It needs Debian's package chromium, takes half a minute,
and writes into ``docs/images``. Times, ports and tokens are made the same in every run; letters differ with the fonts
that a machine has.
"""

import asyncio
import re
import tempfile
from pathlib import Path
from typing import Literal

import attrs
from playwright.async_api import Browser, Page, ViewportSize

from tests.support.browser import chromium
from tests.support.core import PASSWORD
from tests.support.parcels import words
from tests.support.pictures import as_url
from tests.support.postgres import scratch_directory
from tests.support.services import run
from tests.support.up import House, up

IMAGES = Path(__file__).parents[1] / "docs" / "images"

# What a README's column shows without shrinking it.
DESKTOP: ViewportSize = {"width": 880, "height": 620}
PHONE: ViewportSize = {"width": 360, "height": 620}

# Each takes a page's time; five mails are sent within a few.
MOST_LOOKS = 200

READERS = {
    "ada@example.com": "Ada Lovelace",
    "blaise@example.com": "Blaise Pascal",
    "emmy@example.com": "Emmy Noether",
    "grace@example.com": "Grace Hopper",
    "sofia@example.com": "Sofia Kovalevskaya",
}
FIRST, *OTHERS = READERS
LAST = OTHERS[-1]

WAITING = "mary@example.com", "Mary Somerville"
"""She signs up and does not confirm."""

PREFERENCES = re.compile(r"http://\S+/preferences/\S+")

NEWSLETTER = {
    "--name": "Notes from the allotment",
    "--sender": "notes@allotment.example",
    "--postal-address": "Allotment Society\n7 Orchard Lane\nLittle Green",
}

EARLIER = {
    "What to sow in March": "Broad beans first: they do not mind the cold.",
    "Slugs, and what helps": "A plank laid on the bed, and a look beneath it every morning.",
}
TITLE = "The first strawberries"
TEXT = """Dear reader,

the strawberries by the south wall are ripe, two weeks before the others. On Saturday we pick together; bring a bowl.

Recipes for what is left over follow next week."""
HTML = """<h2>The first strawberries</h2>
<p>Dear reader,</p>
<p>the strawberries by the south wall are ripe, <em>two weeks</em> before the others. On Saturday we pick together;
bring a bowl.</p>
<p>Recipes for what is left over follow next week.</p>"""

# The one time, port and token that pictures show.
STEADY = r"""() => {
    for (const time of document.querySelectorAll("time")) time.textContent = "2026-06-06 08:00 UTC";
    for (const line of document.querySelectorAll("dd, .text a")) {
        line.textContent = line.textContent
            .replace(/\w{3}, \d\d? \w{3} \d{4} [\d:]{8}/, "Sat, 06 Jun 2026 08:00:00")
            .replace(/127\.0\.0\.1:\d+/, "127.0.0.1:8000")
            .replace(/[\w-]{43}/, "y7Rk2mVZ0uQ4x1cT9bLw8eJ5aN3sPdGhFiOtKvXzBqM");
    }
}"""

SHOWN = """() => {
    document.activeElement.blur();
    scrollTo(0, 0);
    const [...blocks] = document.querySelectorAll("main > *, footer, img");
    const end = Math.max(...blocks.map(block => block.getBoundingClientRect().bottom));
    return [innerWidth, Math.min(innerHeight, Math.ceil(end) + 24)];
}"""

# Three pages side by side: who reads, who writes, what arrives. Each as wide as its words can still be read.
COMPOSED: ViewportSize = {"width": 1100, "height": 540}
COMPOSITION = """<!doctype html><html lang="en"><title>Pictures</title><style>
body { margin: 0; height: 540px; position: relative; overflow: hidden; background: #dfe8e6; }
img { position: absolute; border: 1px solid #8fa19d; border-radius: 8px; }
</style><body>
<img alt="" src="%(publish)s" style="left: 250px; top: 24px; width: 550px">
<img alt="" src="%(mail)s" style="right: 24px; bottom: 24px; width: 515px">
<img alt="" src="%(home-phone)s" style="left: 24px; top: 56px; width: 270px">
</body></html>"""


@attrs.frozen
class Studio:
    """``house`` is what the pictures show."""

    house: House
    browser: Browser
    taken: dict[str, bytes] = attrs.field(factory=dict)

    async def command(self, *arguments: str) -> None:
        done = await asyncio.to_thread(run, "--data-dir", str(self.house.data_dir), *arguments)
        assert done.returncode == 0, done.stderr

    async def publish(self, title: str, text: str) -> None:
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(text)
            file.flush()
            await self.command("issues", "publish", "--title", title, "--text", file.name)

    async def page(self, size: ViewportSize = DESKTOP, scheme: Literal["light", "dark"] = "light") -> Page:
        context = await self.browser.new_context(viewport=size, color_scheme=scheme, reduced_motion="reduce")
        return await context.new_page()

    async def take(self, name: str, page: Page) -> None:
        """From the top, as far as there is something, and without the focus, which stands somewhere by chance."""
        await page.evaluate(STEADY)
        width, height = await page.evaluate(SHOWN)
        self.taken[name] = await page.screenshot(clip={"x": 0, "y": 0, "width": width, "height": height})

    async def compose(self) -> None:
        page = await self.page(COMPOSED)
        sources = {name: as_url(self.taken[name]) for name in ("publish", "mail", "home-phone")}
        await page.set_content(COMPOSITION % sources)
        await self.take("overview", page)

    def write(self) -> None:
        IMAGES.mkdir(exist_ok=True)
        for name, picture in self.taken.items():
            (IMAGES / f"{name}.png").write_bytes(picture)


async def join(studio: Studio, email: str) -> None:
    visit = studio.house.site()
    await visit.confirm(await visit.sign_up(email, READERS[email]))


async def log_in(studio: Studio, page: Page) -> None:
    await page.goto(f"{studio.house.addresses['Site']}login")
    await page.fill("#username", "admin")
    await page.fill("#password", PASSWORD)
    await page.get_by_role("button", name="Log in").click()


async def set_up(studio: Studio, page: Page) -> None:
    await page.goto(studio.house.addresses["Staff"])
    await page.fill("#new_password", PASSWORD)
    await page.fill("#new_password_check", PASSWORD)
    await page.get_by_role("button", name="Set the password").click()
    await log_in(studio, page)
    settings = [word for option in NEWSLETTER.items() for word in option]
    await studio.command("newsletters", "edit", "default", *settings)


async def take_checklist(studio: Studio, page: Page) -> None:
    """After the first three of its items."""
    await join(studio, FIRST)
    await page.reload()
    await studio.take("checklist", page)
    dark = await studio.page(scheme="dark")
    await log_in(studio, dark)
    await studio.take("checklist-dark", dark)


async def fill(studio: Studio) -> None:
    for email in OTHERS:
        await join(studio, email)
    for title, text in EARLIER.items():
        await studio.publish(title, text)


async def take_publishing(studio: Studio, page: Page) -> None:
    await page.goto(f"{studio.house.addresses['Site']}admin/newsletters")
    await page.fill("#title", TITLE)
    await page.fill("#text_content", TEXT)
    await page.fill("#html_content", HTML)
    await studio.take("publish", page)
    await page.get_by_role("button", name="Publish").click()
    await studio.house.site().mail(LAST, TITLE)
    await page.get_by_role("link", name=TITLE).first.click()
    await finish(page)
    await studio.take("issue", page)


async def finish(page: Page) -> None:
    """Look at the issue's page until every mail has gone out."""
    for _ in range(MOST_LOOKS):
        if await page.get_by_text("Finished").count():
            return
        await page.reload()
    raise AssertionError(f"{page.url}: not finished after {MOST_LOOKS} looks")


async def take_subscribers(studio: Studio, page: Page) -> None:
    await studio.house.site().sign_up(*WAITING)
    await page.goto(f"{studio.house.addresses['Site']}admin/subscribers")
    await studio.take("subscribers", page)


async def take_preferences(studio: Studio) -> None:
    """As the link of an issue opens them."""
    (link,) = PREFERENCES.findall(words(await studio.house.site().mail(FIRST, TITLE), "plain"))
    page = await studio.page()
    await page.goto(link)
    await studio.take("preferences", page)


async def take_mailbox(studio: Studio) -> None:
    page = await studio.page()
    await page.goto(studio.house.addresses["Mailbox"])
    mail = page.get_by_role("listitem").filter(has_text=TITLE).filter(has_text=FIRST)
    await mail.get_by_role("link").click()
    await studio.take("mail", page)


async def take_home(studio: Studio) -> None:
    for name, size in {"home": DESKTOP, "home-phone": PHONE}.items():
        page = await studio.page(size)
        await page.goto(studio.house.addresses["Site"])
        await studio.take(name, page)


async def main() -> None:
    with scratch_directory() as directory, up(directory / "data", "--data-dir", str(directory / "data")) as house:
        async with chromium() as browser:
            studio = Studio(house, browser)
            page = await studio.page()
            await set_up(studio, page)
            await take_checklist(studio, page)
            await fill(studio)
            await take_publishing(studio, page)
            await take_subscribers(studio, page)
            await take_preferences(studio)
            await take_mailbox(studio)
            await take_home(studio)
            await studio.compose()
            studio.write()


if __name__ == "__main__":
    asyncio.run(main())
