"""Signing up from a page of another site: by the form that was copied into it, and by a script."""

import html
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from playwright.async_api import Browser, Page, expect

from tests.integration.browser.scenes import Visit, visiting
from tests.support.browser import watched
from tests.support.core import ADA
from tests.support.documentation import DOCS, examples_of
from tests.support.http import BASE_URL
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.system_package("chromium", "chromium")]

PAGE = DOCS / "how-to" / "put-a-form-on-your-site.md"


def _shown(language: str, site: str) -> str:
    """What the how-to says, for a site on loopback."""
    (code,) = [each.code for each in examples_of(PAGE) if each.language == language]
    return code.replace("https://news.example.org", site)


async def _has_signed_up(visit: Visit) -> bool:
    async with visit.house.uow.reading() as tx:
        return await tx.subscribers.find(DEFAULT_NEWSLETTER.id, EmailAddress.parse(ADA)) is not None


@asynccontextmanager
async def elsewhere(page: Page, body: str) -> AsyncIterator[None]:
    """The browser is at a page of another origin, with nothing in it but this."""

    async def show(_: web.Request) -> web.Response:
        text = f'<!doctype html><html lang="en"><title>Elsewhere</title><link rel="icon" href="data:,">{body}'
        policy = {"Content-Security-Policy": "default-src 'none'; img-src data:; connect-src *"}
        return web.Response(text=text, content_type="text/html", headers=policy)

    app = web.Application()
    app.add_routes([web.get("/", show)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        await page.goto(f"http://127.0.0.1:{runner.addresses[0][1]}/")
        yield
    finally:
        await runner.cleanup()


async def test_the_form_that_was_copied_works_elsewhere(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    async with watched(browser) as (context, _):
        page = await context.new_page()
        async with visiting(page, monkeypatch) as visit:
            await visit.log_in("/admin/newsletters/default/form")
            form = html.unescape(await page.get_by_label("HTML to copy").input_value())
            site = f"http://127.0.0.1:{visit.house.port}"
            async with elsewhere(page, form.replace(BASE_URL, site)):
                await page.get_by_label("Name").fill("Ada")
                await page.get_by_label("E-mail address").fill(ADA)
                await visit.press("Subscribe")
                await expect(page.get_by_role("heading", level=1)).to_have_text("Look into your mailbox")
            assert await _has_signed_up(visit)


async def test_the_script_of_the_page_works_elsewhere(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    async with watched(browser) as (context, _):
        page = await context.new_page()
        async with visiting(page, monkeypatch) as visit, elsewhere(page, "<h1>Elsewhere</h1>"):
            script = _shown("js", f"http://127.0.0.1:{visit.house.port}")
            assert await page.evaluate(f"async () => {{ {script}; return response.status; }}") == 202
            assert await _has_signed_up(visit)
