"""The page of an issue that is out: live with its script, and kept up to date without."""

import pytest
from playwright.async_api import Browser, expect

from tests.integration.browser.scenes import visiting
from tests.support.browser import watched
from tests.support.core import SENT
from zero2prod.testing.builders import origin

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.system_package("chromium", "chromium")]


async def test_what_somebody_else_does_changes_numbers_and_buttons(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with watched(browser) as (context, _):
        page = await context.new_page()
        async with visiting(page, monkeypatch) as visit:
            await visit.log_in(await visit.published())
            (issue,) = await visit.house.application.list_issues()
            await visit.house.application.pause_issue(origin(), issue.id)
            await expect(page.get_by_role("button", name="Resume")).to_be_visible()
            await visit.press("Resume")
            await expect(page.get_by_role("status")).to_contain_text("goes on")
            await visit.outcome(SENT)
            await expect(page.get_by_text("1 of 1 mails are done")).to_be_visible()
            await visit.house.application.jobs.finish_issues()
            await expect(page.get_by_text("Finished.")).to_be_visible()
            assert await page.locator("script").count() == 0


async def test_without_scripts_it_reloads_by_itself_until_told_otherwise(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with watched(browser, scripts=False) as (context, _):
        page = await context.new_page()
        async with visiting(page, monkeypatch) as visit:
            await visit.log_in(await visit.published())
            await visit.outcome(SENT)
            await expect(page.get_by_text("1 of 1 mails are done")).to_be_visible()
            await page.get_by_role("link", name="stop that").click()
            await expect(page.get_by_role("link", name="Reload by itself")).to_be_visible()
            assert await page.locator("meta[http-equiv=refresh]").count() == 0
