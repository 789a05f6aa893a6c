"""A form that a limit refuses is not lost."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import orjson
import pytest

from tests.support.http import CONFIG, JSON, PASSWORD, Answer, House, serving
from tests.support.outages import Outage
from zero2prod_core.domain.limits import NO_LIMITS, Rate

ONCE = Rate.parse("1/h")

ADA = {"name": "Ada & Co", "email": "ada@example.com"}
NOBODY = {"username": "nobody", "password": PASSWORD}

FORMS = [
    ("sign_up_network", "/subscriptions", ADA, ["Ada &amp; Co", "ada@example.com", "Many people have signed up from"]),
    ("sign_up_total", "/subscriptions", ADA, ["Ada &amp; Co", "ada@example.com", "Many people are signing up just"]),
    ("sign_up_network", "/preferences", ADA, ["ada@example.com", "Many people have signed up from your network."]),
    ("login_account", "/login", NOBODY, ["nobody", "Too many wrong passwords for this account."]),
    ("login_network", "/login", NOBODY, ["nobody", "Too many wrong passwords from your network."]),
]


@asynccontextmanager
async def house_with(rate: str) -> AsyncIterator[House]:
    async with serving(attrs.evolve(CONFIG, limits=attrs.evolve(NO_LIMITS, **{rate: ONCE}))) as house:
        yield house


def check(answer: Answer, path: str, shown: list[str]) -> None:
    assert (answer.status, "Retry-After" in answer.headers) == (429, True)
    assert PASSWORD not in answer.text
    for text in [f'action="{path}"', "Try again in 60 minutes.", 'role="alert"', *shown]:
        assert text in answer.text


@pytest.mark.parametrize(("rate", "path", "fields", "shown"), FORMS)
async def test_it_comes_back_with_what_was_typed(
    rate: str, path: str, fields: dict[str, str], shown: list[str]
) -> None:
    """Refused by the store, and by what this process knows of it."""
    async with house_with(rate) as house:
        assert (await house.post(path, fields)).status in {200, 303}
        check(await house.post(path, fields), path, shown)
        house.uow.outage = Outage.AWAY
        if rate != "login_account":
            check(await house.post(path, fields), path, shown)


async def test_a_program_is_told_in_json() -> None:
    async with house_with("sign_up_network") as house:
        answers = [await house.post("/subscriptions", ADA, JSON) for _ in range(2)]
        assert orjson.loads(answers[1].body)["code"] == "limit_exceeded"


async def test_what_cannot_be_read_comes_back_empty() -> None:
    async with house_with("sign_up_network") as house:
        await house.post("/subscriptions", ADA)
        await house.post("/subscriptions", ADA)
        answer = await house.send("POST", "/subscriptions", {"Content-Type": "text/plain"}, b"name=Ada")
        assert (answer.status, 'value="Ada' in answer.text) == (429, False)


async def test_no_other_page_has_a_form() -> None:
    async with house_with("request_network") as house:
        await house.get("/login")
        answer = await house.get("/login")
        assert (answer.status, 'action="/login"' in answer.text) == (429, False)
