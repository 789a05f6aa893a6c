"""What the walk and the look at every page would notice."""

import pytest
from playwright.async_api import Browser

from tests.support.browser import looked_at, watched
from tests.support.hands import Keyboard

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.system_package("chromium", "chromium")]

POOR = """<html><title></title><body style="margin: 0"><h1>One</h1><h1>Two</h1>
<p style="width: 500px; color: #ccc; background: #fff">Hardly to be read</p><input></body></html>"""

GOOD = '<!doctype html><html lang="en"><title>Fine</title><main><h1>Fine</h1>{}</main></html>'


async def test_a_poor_page(browser: Browser) -> None:
    async with watched(browser) as (context, _):
        page = await context.new_page()
        await page.set_content(POOR)
        found = "\n".join(await looked_at(page))
    for fault in ("no language", "no title", "2 h1", "scrolls sideways: 500 in 360", "color-contrast", "label"):
        assert fault in found


async def test_a_good_page(browser: Browser) -> None:
    async with watched(browser) as (context, _):
        page = await context.new_page()
        await page.set_content(GOOD.format('<a href="#x">One</a> <button>Two</button>'))
        assert await looked_at(page) == []
        await Keyboard().arrive(page)


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("<p>Nothing to choose</p>", "Tab leads nowhere"),
        ('<a href="#x" style="outline: none">One</a>', "the focus cannot be seen"),
        (
            '<a href="#x" style="position: absolute; left: 0; width: 1px; height: 1px; overflow: hidden">One</a>',
            "sight",
        ),
        ('<p><a href="#x" tabindex="2">One</a></p><p><a href="#y" tabindex="1">Two</a></p>', "back to"),
    ],
)
async def test_what_a_keyboard_cannot_use(browser: Browser, body: str, complaint: str) -> None:
    async with watched(browser) as (context, _):
        page = await context.new_page()
        await page.set_content(GOOD.format(body))
        with pytest.raises(AssertionError, match=complaint):
            await Keyboard().arrive(page)


async def complain(browser: Browser) -> None:
    async with watched(browser) as (context, _):
        await (await context.new_page()).evaluate("console.error('it broke')")


async def test_a_message_in_the_console(browser: Browser) -> None:
    with pytest.raises(AssertionError, match="it broke"):
        await complain(browser)
