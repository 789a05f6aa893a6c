"""Signing up where everybody is asked for a challenge: with scripts, and without them."""

import pytest
from playwright.async_api import Browser, expect

from adapters_http.form_stamps import TRAP
from tests.integration.browser.scenes import Visit, visiting
from tests.support.browser import PHONE, watched
from tests.support.core import ADA
from tests.support.doors import StandingClock, door
from zero2prod_core.domain.challenges import Challenged
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.system_package("chromium", "chromium")]


async def _signed_up(visit: Visit) -> bool:
    async with visit.house.uow.reading() as tx:
        return await tx.subscribers.find(DEFAULT_NEWSLETTER.id, EmailAddress.parse(ADA)) is not None


async def test_by_keyboard_on_a_phone_the_browser_goes_on_by_itself(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with watched(browser, PHONE) as (context, _):
        page = await context.new_page()
        async with visiting(page, monkeypatch, door(Challenged.ALWAYS)) as visit:
            await visit.go("/")
            await page.get_by_label("Name").focus()
            await page.keyboard.type("Ada")
            await page.keyboard.press("Tab")
            await page.keyboard.type(ADA)
            await page.keyboard.press("Enter")
            await expect(page.get_by_role("heading", level=1)).to_have_text("Look into your mailbox")
            assert await _signed_up(visit)
            await page.go_back()
            await expect(page.get_by_role("button")).to_have_text("Subscribe")


async def test_without_scripts_patience_is_the_way(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = StandingClock()
    async with watched(browser, PHONE, scripts=False) as (context, _):
        page = await context.new_page()
        async with visiting(page, monkeypatch, door(Challenged.ALWAYS, clock)) as visit:
            await visit.go("/")
            await visit.write(name="Ada", email=ADA)
            await visit.press("Subscribe")
            await expect(page.get_by_text("Please wait 15 seconds, then press the button.")).to_be_visible()
            await visit.press("Go on")
            await expect(page.get_by_text("That was a little early.")).to_be_visible()
            assert not await _signed_up(visit)
            clock.forward(15)
            await visit.press("Go on")
            await expect(page.get_by_role("heading", level=1)).to_have_text("Look into your mailbox")
            assert await _signed_up(visit)


async def test_nobody_meets_the_trap(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    async with watched(browser, PHONE) as (context, _):
        page = await context.new_page()
        async with visiting(page, monkeypatch) as visit:
            await visit.go("/")
            trap = page.locator(f"[name={TRAP}]")
            await expect(trap).not_to_be_in_viewport()
            await expect(page.get_by_role("textbox")).to_have_count(2)
            for _ in range(12):
                await page.keyboard.press("Tab")
                await expect(trap).not_to_be_focused()
