"""How a person uses a page: with a pointer, or with the keyboard alone."""

from itertools import pairwise
from typing import Protocol

import attrs
from playwright.async_api import Locator, Page

# More than any page of ours has stops.
MOST_STOPS = 60

# Pixels. Two things in one line need not begin at the very same height.
SLACK = 2

REMEMBER = """() => {
    const look = element => {
        const {outlineStyle, outlineWidth, outlineColor, boxShadow} = getComputedStyle(element);
        return [outlineStyle, outlineWidth, outlineColor, boxShadow].join(" ");
    };
    const all = [...document.querySelectorAll("a, button, input, select, textarea, iframe, [tabindex]")];
    window.resting = new Map(all.map(element => [element, look(element)]));
    window.stop = () => {
        const element = document.activeElement;
        if (element === null || element === document.body) return null;
        const box = element.getBoundingClientRect();
        return {
            number: all.indexOf(element),
            words: element.outerHTML.slice(0, 120),
            left: box.left, top: box.top + scrollY, right: box.right, bottom: box.bottom + scrollY,
            seen: box.bottom > 0 && box.top < innerHeight && box.width > 1 && box.height > 1,
            // In a frame it is the mail's link that has the focus, with the mark that the browser gives it.
            marked: element instanceof HTMLIFrameElement || look(element) !== window.resting.get(element),
        };
    };
    // A frame is scrolled to by a process of its own: it is there some pictures later.
    window.settled = async () => {
        for (let picture = 0; picture < 60 && stop()?.seen === false; picture++)
            await new Promise(requestAnimationFrame);
        return stop();
    };
}"""


class Hands(Protocol):
    """What a walk needs of a person."""

    async def arrive(self, page: Page) -> None:
        """Look around on a page that has just come."""

    async def press(self, target: Locator) -> None:
        """Follow a link, or press a button."""

    async def write(self, field: Locator, text: str) -> None: ...


class Pointer(Hands):
    """A mouse or a finger."""

    async def arrive(self, page: Page) -> None:
        return

    async def press(self, target: Locator) -> None:
        await target.click()

    async def write(self, field: Locator, text: str) -> None:
        await field.fill(text)


@attrs.frozen
class Stop:
    """Where Tab has led, in pixels of the page. ``marked``: it looks otherwise than without the focus."""

    number: int
    words: str
    left: float
    top: float
    right: float
    bottom: float
    seen: bool
    marked: bool

    def is_before(self, other: "Stop") -> bool:
        """As eyes read: above, or in one line and not further right."""
        if self.bottom <= other.top + SLACK:
            return True
        return other.bottom > self.top + SLACK and (self.left <= other.left + SLACK or self.top <= other.top + SLACK)


class Keyboard(Hands):
    """Tab, Enter and letters."""

    def __init__(self) -> None:
        self.toured: set[str] = set()

    async def arrive(self, page: Page) -> None:
        """Once on every page: from its first stop to its last, each seen and marked, in the order of reading."""
        title = await page.title()
        if title in self.toured:
            return
        self.toured.add(title)
        stops = await self._tour(page)
        assert stops, f"{title}: Tab leads nowhere"
        for stop in stops:
            assert stop.seen, f"{title}: the focus is out of sight on {stop.words}"
            assert stop.marked, f"{title}: the focus cannot be seen on {stop.words}"
        for stop, following in pairwise(stops):
            assert stop.is_before(following), f"{title}: from {stop.words} back to {following.words}"

    async def _tour(self, page: Page) -> list[Stop]:
        await page.evaluate(REMEMBER)
        stops: list[Stop] = []
        for _ in range(MOST_STOPS):
            await page.keyboard.press("Tab")
            found = await page.evaluate("settled()")
            if found is None or (stops and found["number"] == stops[0].number):
                return stops
            if not stops or found["number"] != stops[-1].number:  # within a frame the frame stays the page's stop
                stops.append(Stop(**found))
        raise AssertionError(f"{page.url}: Tab does not come to an end")

    async def press(self, target: Locator) -> None:
        await self._reach(target)
        await target.page.keyboard.press("Enter")

    async def write(self, field: Locator, text: str) -> None:
        await self._reach(field)
        await field.page.keyboard.press("Control+a")
        await field.page.keyboard.type(text)

    async def _reach(self, target: Locator) -> None:
        for _ in range(MOST_STOPS):
            if await target.evaluate("element => element === document.activeElement"):
                return
            await target.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not lead to {target}")
