"""The forms and problems that pages about signing up show are those that the site has."""

import html
import json
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import attrs

from tests.support.documentation import DOCS, blocks, examples_of
from tests.support.doors import door
from tests.support.http import BASE_URL, CONFIG, JSON, serving
from zero2prod.testing.builders import origin
from zero2prod_core.domain.challenges import Challenged
from zero2prod_core.domain.limits import USUAL_LIMITS

PAGE = DOCS / "how-to" / "put-a-form-on-your-site.md"
ROUTES = DOCS / "reference" / "routes.md"

SITE = "https://news.example.org"
JSON_SIGN_UPS = "/api/v1/subscriptions"
TYPE = {"Content-Type": "application/json"}


# What an input means to whoever takes the form.
MEANING = ("name", "type", "value", "maxlength")


class Inputs(HTMLParser):
    """The inputs of a piece of HTML, each by what it means."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.found: list[dict[str, str | None]] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        usual: dict[str, str | None] = {"type": "text", "value": ""}
        if tag == "input":
            self.found.append({**usual, **{name: value for name, value in attrs if name in MEANING}})


async def _copied(fields: str = "", tags: str = "") -> str:
    """The form that the staff copy, of a newsletter that asks for these."""
    async with serving() as house:
        await house.application.edit_newsletter(origin(), "default", fields=fields, tags=tags)
        await house.log_in()
        page = (await house.get("/admin/newsletters/default/form")).text
    return html.unescape(page.partition("<textarea")[2].partition(">")[2].partition("</textarea>")[0])


async def test_the_form_is_the_one_that_the_staff_copy() -> None:
    (shown,) = [each.code for each in examples_of(PAGE) if each.language == "html"]
    assert (await _copied()).strip().replace(BASE_URL, SITE) == shown.strip()


async def test_the_inputs_that_one_writes_are_those_of_the_form_that_the_staff_copy() -> None:
    (written,) = blocks("ask-readers-more", "html")
    declared, *_ = blocks("ask-readers-more", "sh")
    city, music = 'city: text "Where do you live?"', 'music: "Music news"'
    assert city in declared
    assert music in declared
    copied = Inputs(await _copied(city, music)).found
    assert len(Inputs(written).found) == 2
    assert [each for each in Inputs(written).found if each not in copied] == []


async def _answered(whom: Challenged, sign_up: object) -> dict[str, Any]:
    async with serving(at_the_door=door(whom)) as house:
        answer = await house.send("POST", JSON_SIGN_UPS, TYPE, json.dumps(sign_up).encode())
    told: dict[str, Any] = json.loads(answer.body)
    return told


async def test_the_mistakes_are_told_as_the_page_shows_them() -> None:
    (shown,) = [json.loads(each.code) for each in examples_of(PAGE) if each.language == "json"]
    told = await _answered(Challenged.OFF, {"name": "", "email": "ada@example.com", "utm": "x"})
    assert shown == {**told, "request_id": shown["request_id"]}


async def test_a_challenge_is_what_the_page_shows() -> None:
    (shown,) = [json.loads(each.code) for each in examples_of(ROUTES) if each.language == "json"]
    told = await _answered(Challenged.ALWAYS, {"name": "Ada", "email": "ada@example.com"})
    told["challenge"]["text"] = shown["challenge"]["text"]
    assert shown == {**told, "request_id": shown["request_id"]}


async def test_a_refusal_is_what_the_page_about_limits_shows() -> None:
    (shown,) = map(json.loads, blocks("tune-limits", "json"))
    allowed, typed = USUAL_LIMITS.sign_up_network, {"name": "Ada", "email": "ada@example.com"}
    assert allowed
    config = attrs.evolve(CONFIG, limits=USUAL_LIMITS)
    async with serving(config, clock=lambda: datetime(2026, 11, 22, 12, tzinfo=UTC)) as house:
        answers = [await house.post("/subscriptions", typed, JSON) for _ in range(allowed.count + 1)]
    *taken, refused = answers
    assert {answer.status for answer in taken} == {200}
    told = json.loads(refused.body)
    assert (refused.status, refused.headers["Retry-After"]) == (429, shown["retry_after"])
    assert shown == {**told, "request_id": shown["request_id"]}
