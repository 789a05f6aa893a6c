"""A browser of sorts, over nothing but HTTP: it keeps cookies, follows no redirect, and reads forms from pages."""

import html
import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from html.parser import HTMLParser
from itertools import count
from typing import Any, Self

import attrs
import httpx

from tests.support.waiting import PATIENCE

PASSWORD = "everything has to start somewhere"

JSON = {"Accept": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}

FLASH = re.compile(r"<p><i>(.*?)</i></p>", re.DOTALL)


@attrs.define
class Form:
    """A form as a page shows it; ``fields`` holds what is sent if nobody types anything."""

    action: str
    method: str
    fields: dict[str, str] = attrs.field(factory=dict)
    buttons: int = 0


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag == "form":
            self.found.append(Form(given.get("action", ""), given.get("method", "get").lower()))
        elif tag == "input" and self.found and "name" in given:
            self.found[-1].fields[given["name"]] = given.get("value", "")
        elif tag == "button" and self.found:
            self.found[-1].buttons += 1


def forms(answer: httpx.Response) -> list[Form]:
    """The forms of a page, in order."""
    parser = _Forms()
    parser.feed(answer.text)
    return parser.found


def flashes(answer: httpx.Response) -> list[str]:
    """What the page says once."""
    return [html.unescape(text) for text in FLASH.findall(answer.text)]


@attrs.frozen
class Visitor:
    """One browser, or one program, with its cookies."""

    client: httpx.Client

    @classmethod
    @contextmanager
    def at(cls, url: str) -> Iterator[Self]:
        # Nothing here is asked over TLS, and loading the system's certificates for every visitor takes long.
        transport = httpx.HTTPTransport(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
        with httpx.Client(base_url=url, transport=transport, timeout=PATIENCE) as client:
            yield cls(client)

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        return self.client.get(path, headers=headers)

    def post(
        self, path: str, fields: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """A form; without fields, no body at all."""
        return self.client.post(path, data=fields, headers=headers)

    def send(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Any request, with no header that was not asked for but what HTTP needs."""
        return self.client.request(method, path, content=body, headers=headers)

    def press(self, page: httpx.Response) -> httpx.Response:
        """Send the only form of a page, as somebody does who has looked at it and typed nothing."""
        (form,) = forms(page)
        assert (form.method, form.buttons) == ("post", 1)
        return self.post(form.action or page.request.url.raw_path.decode(), form.fields)

    def go_on(self, page: httpx.Response) -> httpx.Response:
        """Answer the challenge on a page, as its script does."""
        (form,) = [form for form in forms(page) if "challenge" in form.fields]
        return self.post(form.action, {**form.fields, "answer": answer_to(form.fields["challenge"])})

    def subscribe(self, email: str, name: str = "Ursula Le Guin", **more: str) -> httpx.Response:
        return self.post("/subscriptions", {"name": name, "email": email, **more})

    def log_in(self, username: str, password: str = PASSWORD) -> None:
        answer = self.post("/login", {"username": username, "password": password})
        assert (answer.status_code, answer.headers["location"]) == (303, "/admin/dashboard")

    def publish(self, **changes: str) -> httpx.Response:
        return self.post("/admin/newsletters", issue(**changes))


def answer_to(challenge: str) -> str:
    """The least number with which the hash of the challenge begins with 16 zero bits."""
    hashes = ((str(number), sha256(f"{challenge}:{number}".encode()).digest()) for number in count())
    return next(number for number, digest in hashes if digest.startswith(b"\0\0"))


def issue(**changes: str) -> dict[str, str]:
    """The fields of an issue that can be published."""
    usual = {
        "title": "Newsletter title",
        "text_content": "Newsletter body as plain text",
        "html_content": "<p>Newsletter body as HTML</p>",
        "idempotency_key": "key",
    }
    return {**usual, **changes}


def expect_redirect(answer: httpx.Response, path: str) -> None:
    """303 with a relative Location."""
    assert (answer.status_code, answer.headers["location"]) == (303, path)


def problem(answer: httpx.Response) -> dict[str, Any]:
    """RFC 9457 problem details, with what every one of them must have."""
    assert answer.headers["content-type"].partition(";")[0] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    assert told["status"] == answer.status_code
    assert {"type", "title", "detail"} <= told.keys()
    assert all(isinstance(told[member], str) and told[member] for member in ("type", "title", "detail"))
    return told


def expect_page(answer: httpx.Response) -> None:
    """A page for a person."""
    assert answer.headers["content-type"].lower().replace(" ", "") == "text/html;charset=utf-8"
    assert re.search(r"<title>[^<]*\S[^<]*</title>", answer.text)
