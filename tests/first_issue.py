"""From the screen of a first start to an issue in the mailbox, as a person at a browser goes there; standard library
only, as it runs before anything is installed.

Nothing is known beforehand but what a person reads: the places that are printed, the words of links and buttons, and
the names of the fields beside them.
"""

import re
import time
from dataclasses import dataclass, field
from hashlib import sha256
from html.parser import HTMLParser
from http.client import HTTPConnection
from http.cookies import SimpleCookie
from itertools import count
from typing import Self
from urllib.parse import urlencode, urljoin, urlsplit

from tests.support.waiting import PATIENCE

READER = "ada@example.com"
PASSWORD = "a sentence of one's own will do"
TITLE = "The very first issue"

PLACE = re.compile(r"^(Site|Staff|Mailbox) +(\S+)$", re.MULTILINE)

FORM = "application/x-www-form-urlencoded"

# Whoever fills in the form as fast as this program is asked for a little work, which a browser's script does.
ONE_MORE_STEP = 403
ZEROS = "0000"


class Lost(Exception):
    """Where the way ended."""


@dataclass
class Form:
    """``fields`` holds what is sent if nobody types anything; ``button`` is the words on it."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    button: str = ""


class Page(HTMLParser):
    """What a person can press or follow on a page: ``links`` are words and target, in order."""

    def __init__(self, url: str, text: str) -> None:
        super().__init__()
        self.url = url
        self.words = ""
        self.forms: list[Form] = []
        self.links: list[tuple[str, str]] = []
        self._target: str | None = None
        self._within = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in {"a", "button"}:
            self._target, self._within = given.get("href"), ""
        elif tag == "form":
            self.forms.append(Form(urljoin(self.url, given.get("action", ""))))
        elif tag in {"input", "textarea"} and self.forms:
            self.forms[-1].fields[given["name"]] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._target is not None:
            self.links.append((self._within, urljoin(self.url, self._target)))
        elif tag == "button" and self.forms:
            self.forms[-1].button = self._within

    def handle_data(self, data: str) -> None:
        self.words += data
        self._within += data

    def link(self, words: str) -> str:
        """The target of the only link that begins with these words."""
        targets = {target for each, target in self.links if each.startswith(words)}
        if len(targets) != 1:
            raise Lost(f"{self.url} has {len(targets)} links {words!r}: {self.words}")
        return targets.pop()

    def form(self, button: str) -> Form:
        """The only form with this button."""
        found = [form for form in self.forms if form.button == button]
        if len(found) != 1:
            raise Lost(f"{self.url} has {len(found)} forms with a button {button!r}: {self.words}")
        return found[0]


@dataclass
class Browser:
    """One at a time at a page; it keeps cookies and follows redirects."""

    page: Page
    cookies: SimpleCookie = field(default_factory=SimpleCookie)

    @classmethod
    def at(cls, url: str) -> Self:
        """A new one, at this place."""
        browser = cls(Page(url, ""))
        browser.open(url)
        return browser

    def open(self, url: str) -> None:
        self._ask("GET", url, "")

    def follow(self, words: str) -> None:
        self.open(self.page.link(words))

    def press(self, button: str, **typed: str) -> None:
        """Send the form with this button, after typing into some of its fields."""
        form = self.page.form(button)
        if missing := typed.keys() - form.fields.keys():
            raise Lost(f"{self.page.url} has no field {missing}")
        self._ask("POST", form.action, urlencode(form.fields | typed))

    def refresh_until(self, words: str) -> None:
        """Look at the page again and again until it says this."""
        deadline = time.monotonic() + PATIENCE
        while words not in self.page.words:
            if time.monotonic() > deadline:
                raise Lost(f"{self.page.url} does not say {words!r} within {PATIENCE} s: {self.page.words}")
            time.sleep(0.1)
            self.open(self.page.url)

    def _ask(self, method: str, url: str, body: str) -> None:
        parts = urlsplit(url)
        connection = HTTPConnection(parts.netloc, timeout=PATIENCE)
        headers = {"Cookie": "; ".join(f"{name}={each.value}" for name, each in self.cookies.items())}
        if method == "POST":
            headers |= {"Content-Type": FORM, "Origin": f"{parts.scheme}://{parts.netloc}"}
        try:
            connection.request(method, f"{parts.path or '/'}?{parts.query}".rstrip("?"), body, headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        for cookie in answer.headers.get_all("Set-Cookie", []):
            self.cookies.load(cookie)
        if location := answer.headers["Location"]:
            self.open(urljoin(url, location))
        elif answer.status not in {200, ONE_MORE_STEP}:
            raise Lost(f"{method} {url} was answered {answer.status}: {text}")
        else:
            self.page = Page(url, text)


def receive_an_issue(screen: str) -> None:
    """The checklist's way, from the set-up link on the screen; raises ``Lost`` where it does not lead on."""
    places = dict(PLACE.findall(screen))
    staff = Browser.at(places["Staff"])
    log_in(staff)
    dashboard = staff.page
    mailbox = Browser.at(dashboard.link("Open the mailbox"))
    if mailbox.page.url != places["Mailbox"]:
        raise Lost(f"the checklist leads to {mailbox.page.url}, the screen to {places['Mailbox']}")
    subscribe(Browser.at(dashboard.link("Subscribe yourself")), mailbox)
    staff.open(dashboard.link("Publish an issue"))
    publish(staff)
    find_once(mailbox, places["Mailbox"])


def log_in(staff: Browser) -> None:
    """Choose the password of the account that the link is for, and log in with it."""
    account = staff.page.form("Set the password").fields["username"]
    staff.press("Set the password", new_password=PASSWORD, new_password_check=PASSWORD)
    staff.press("Log in", username=account, password=PASSWORD)


def subscribe(visitor: Browser, mailbox: Browser) -> None:
    """Sign up, and confirm by the link in the mail and the button behind it."""
    site = visitor.page.url
    visitor.press("Subscribe", name="Ada", email=READER)
    if "One more step" in visitor.page.words:
        visitor.press("Go on", answer=work(visitor.page.form("Go on").fields["challenge"]))
    mailbox.refresh_until("Confirm your subscription")
    mailbox.follow("Confirm your subscription")
    visitor.open(mailbox.page.link(site))
    visitor.press("Confirm my subscription")


def work(text: str) -> str:
    """What the page's script would find."""
    numbers = map(str, count())
    return next(number for number in numbers if sha256(f"{text}:{number}".encode()).hexdigest().startswith(ZEROS))


def publish(staff: Browser) -> None:
    """Write an issue and see that no mail of it is left to be sent."""
    staff.press("Publish", title=TITLE, text_content="Hello, whoever reads this.")
    staff.follow(TITLE)
    staff.refresh_until("Finished")


def find_once(mailbox: Browser, place: str) -> None:
    """The issue lies in the mailbox, for the reader, and there is one of it."""
    mailbox.open(place)
    copies = [words for words, _ in mailbox.page.links if words == TITLE]
    if len(copies) != 1:
        raise Lost(f"the mailbox has {len(copies)} copies of the issue: {mailbox.page.words}")
    mailbox.follow(TITLE)
    if READER not in mailbox.page.words:
        raise Lost(f"the issue did not go to {READER}: {mailbox.page.words}")
