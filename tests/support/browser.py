"""Debian's chromium, and what every page of ours must keep there."""

import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Any, Literal
from urllib.parse import urlsplit

from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
    ViewportSize,
    async_playwright,
    expect,
)

from tests.support.waiting import PATIENCE

PROGRAM = "chromium"

# Root, as whom CI runs, has no sandbox; /dev/shm is too small in many containers.
SWITCHES = ["--no-sandbox", "--disable-dev-shm-usage"]

PATIENCE_MS = 1000 * PATIENCE

expect.set_options(timeout=PATIENCE_MS)

DESKTOP: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 360, "height": 740}
"""The narrowest screen that phones are still sold with."""

# The package's own runner is untyped, and this is all that it does.
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()
RUN_AXE = "options => axe.run({resultTypes: ['violations'], ...options}).then(results => results.violations)"
ALL_RULES: Mapping[str, object] = {}
COLOURS: Mapping[str, object] = {"runOnly": ["color-contrast"]}
RULES: Mapping[Literal["light", "dark"], Mapping[str, object]] = {"light": ALL_RULES, "dark": COLOURS}
SERIOUS = frozenset({"serious", "critical"})

# Chromium's own notice of a page with an error status, which is what the test has asked for.
STATUS_NOTICE = "Failed to load resource"

FAULTS = """() => {
    const {lang, scrollWidth, clientWidth} = document.documentElement;
    const headings = document.querySelectorAll("h1").length;
    return [
        [!lang, "no language"],
        [!document.title.trim(), "no title"],
        [headings !== 1, `${headings} h1`],
        [scrollWidth > clientWidth, `scrolls sideways: ${scrollWidth} in ${clientWidth}`],
    ].filter(([wrong]) => wrong).map(([_, words]) => words);
}"""


class Watch:
    """What a browser's context did.

    Attributes:
        asked: the hosts that it talked to, with their ports.
        documents: its pages and frames, without redirects.
    """

    def __init__(self) -> None:
        self.asked: set[str] = set()
        self.documents: list[Response] = []
        self.complaints: list[str] = []

    def over(self, context: BrowserContext) -> None:
        context.on("request", self._asked)
        context.on("response", self._answered)
        context.on("console", self._said)
        context.on("weberror", lambda error: self.complaints.append(f"script: {error.error}"))

    def _asked(self, request: Request) -> None:
        url = urlsplit(request.url)
        if url.scheme in {"http", "https"}:
            self.asked.add(url.netloc)

    def _answered(self, response: Response) -> None:
        if response.request.resource_type != "document" or response.status in range(300, 400):
            return
        self.documents.append(response)
        policy = response.headers.get("content-security-policy", "")
        # A mail has styles of its own; it is shown without scripts in a frame that can do nothing.
        is_mail = urlsplit(response.url).path.endswith("/html")
        if "default-src 'none'" not in policy or ("'unsafe-inline'" in policy and not is_mail):
            self.complaints.append(f"{response.url} has the policy {policy!r}")

    def _said(self, message: ConsoleMessage) -> None:
        is_notice = message.text.startswith(STATUS_NOTICE)
        if is_notice and message.location["url"] in {document.url for document in self.documents}:
            return
        if message.type in {"error", "warning"}:
            self.complaints.append(f"console: {message.text}")


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which(PROGRAM), args=SWITCHES)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def watched(
    browser: Browser, size: ViewportSize = DESKTOP, *, scripts: bool = True
) -> AsyncIterator[tuple[BrowserContext, Watch]]:
    """A context of its own, without cookies, without animations; at its end nothing must have been amiss."""
    watch = Watch()
    context = await browser.new_context(viewport=size, java_script_enabled=scripts, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE_MS)
    try:
        watch.over(context)
        yield context, watch
    finally:
        await context.close()
    assert not watch.complaints, watch.complaints


async def faults(page: Page) -> list[str]:
    """What every page must have and this one has not."""
    return [f"{page.url}: {fault}" for fault in await page.evaluate(FAULTS)]


async def violations(page: Page, rules: Mapping[str, object] = ALL_RULES) -> list[str]:
    """What axe finds that bars somebody from using the page, with the elements that it is about."""
    found: list[Mapping[str, Any]] = await page.evaluate(RUN_AXE, rules)
    return [
        f"{violation['id']} ({violation['impact']}): {node['html'][:160]}: {node['failureSummary']}"
        for violation in found
        if violation["impact"] in SERIOUS
        for node in violation["nodes"]
    ]


async def looked_at(page: Page) -> list[str]:
    """Faults and violations, on a desktop and on a phone, light and dark, which differ in colours alone."""
    found = []
    await page.evaluate(AXE)
    for size in (DESKTOP, PHONE):
        await page.set_viewport_size(size)
        found += await faults(page)
        for scheme, rules in RULES.items():
            await page.emulate_media(color_scheme=scheme)
            found += [f"{scheme}, {size['width']}: {each}" for each in await violations(page, rules)]
    return found
