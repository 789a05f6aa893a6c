"""Every page in a real browser: for eyes and for assistive technology, light and dark, on a desktop and on a phone."""

from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser

from adapters_email.composing import compose
from tests.integration.browser.scenes import SCENES, visiting
from tests.support.browser import AXE, PHONE, looked_at, violations, watched
from tests.support.hands import Keyboard
from tests.support.parcels import CONFIRMATION, parcel, parsed, words

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.system_package("chromium", "chromium")]


@pytest.mark.parametrize("name", SCENES)
async def test_a_page(browser: Browser, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    async with watched(browser) as (context, watch):
        page = await context.new_page()
        async with visiting(page, monkeypatch) as visit:
            await SCENES[name](visit)
            hosts = {urlsplit(visit.mailbox).netloc, f"127.0.0.1:{visit.house.port}"}
            assert await looked_at(page) == []
            await page.set_viewport_size(PHONE)  # the walk goes by keyboard on a desktop
            await Keyboard().arrive(page)
            assert watch.asked <= hosts
            if name.startswith("error"):
                assert watch.documents[-1].status == int(name.removeprefix("error "))


@pytest.mark.parametrize("name", ["home", "issues", "mailbox"])
async def test_the_first_stop_skips_what_every_page_has(
    browser: Browser, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    async with watched(browser) as (context, _):
        page = await context.new_page()
        async with visiting(page, monkeypatch) as visit:
            await SCENES[name](visit)
            for key in ("Tab", "Enter", "Tab"):
                await page.keyboard.press(key)
            assert await page.locator("main :focus").count() == 1


async def test_our_own_mail(browser: Browser) -> None:
    """Outside the mailbox, which lets no script in, and so no axe either."""
    async with watched(browser) as (context, _):
        page = await context.new_page()
        await page.set_content(words(parsed(compose(parcel(CONFIRMATION)).content), "html"))
        await page.evaluate(AXE)
        assert await violations(page) == []
