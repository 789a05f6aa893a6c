"""The forms and problems that pages about signing up show are those that the site has."""

import html
import json
from typing import Any

from tests.support.documentation import DOCS, examples_of
from tests.support.doors import door
from tests.support.http import BASE_URL, serving
from zero2prod_core.domain.challenges import Challenged

PAGE = DOCS / "how-to" / "put-a-form-on-your-site.md"
ROUTES = DOCS / "reference" / "routes.md"

SITE = "https://news.example.org"
JSON_SIGN_UPS = "/api/v1/subscriptions"
TYPE = {"Content-Type": "application/json"}


async def test_the_form_is_the_one_that_the_staff_copy() -> None:
    (shown,) = [each.code for each in examples_of(PAGE) if each.language == "html"]
    async with serving() as house:
        await house.log_in()
        page = (await house.get("/admin/newsletters/default/form")).text
    copied = html.unescape(page.partition("<textarea")[2].partition(">")[2].partition("</textarea>")[0])
    assert copied.strip().replace(BASE_URL, SITE) == shown.strip()


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
