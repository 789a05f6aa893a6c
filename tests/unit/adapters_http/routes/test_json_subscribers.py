"""Signing up as JSON, from any site."""

import json
from typing import Any

import pytest

from tests.support.doors import StandingClock, door, solution
from tests.support.http import CONFIG, FORM, Answer, House, serving
from tests.support.outages import Outage
from zero2prod.testing.builders import origin
from zero2prod_core.domain.challenges import Challenged
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.subscribers import Subscriber

PATH = "/api/v1/subscriptions"
TYPE = {"Content-Type": "application/json"}
SIGN_UP = {"name": "Ada", "email": "ada@example.com"}


async def send(house: House, value: object, **headers: str) -> Answer:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return await house.send("POST", PATH, TYPE | headers, body)


def told(answer: Answer) -> dict[str, Any]:
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    problem: dict[str, Any] = json.loads(answer.body)
    assert problem["status"] == answer.status
    return problem


async def reader(house: House, newsletter: str = "default") -> Subscriber | None:
    found = await house.application.find_newsletter(newsletter)
    async with house.uow.reading() as tx:
        return await tx.subscribers.find(found.id, EmailAddress.parse("ada@example.com"))


async def test_a_sign_up_is_accepted_and_the_answer_says_no_more(house: House) -> None:
    first, again = [await send(house, SIGN_UP) for _ in range(2)]
    assert (first.status, json.loads(first.body)["status"]) == (202, "accepted")
    assert first.body == again.body
    found = await reader(house)
    assert found
    async with house.uow.reading() as tx:
        (record, *_) = await tx.consent.of([found.id])
    assert record.evidence.source == "json"
    assert record.evidence.form_hash is None


async def test_newsletter_fields_and_tags_can_be_given(house: House) -> None:
    await house.application.create_newsletter(origin(), "weekly", "The weekly")
    await house.application.edit_newsletter(origin(), "weekly", fields='city: text "City"', tags='music: "Music"')
    value = SIGN_UP | {"newsletter": "weekly", "fields": {"city": "Ulm"}, "tags": ["music"]}
    assert (await send(house, value)).status == 202
    assert await reader(house, "weekly")


async def test_all_mistakes_are_told_at_once(house: House) -> None:
    answer = await send(house, {"name": "", "email": 1, "utm": "x"})
    problem = told(answer)
    assert (answer.status, problem["code"]) == (400, "fields_refused")
    assert [(error["field"], error["rule"]) for error in problem["errors"]] == [
        ("name", "missing"),
        ("email", "must be a text"),
        ("utm", "is no field of a sign-up"),
    ]
    assert all(error["remedy"] for error in problem["errors"])
    assert (problem["field"], problem["rule"]) == ("name", "missing")
    assert await reader(house) is None


@pytest.fixture
async def asking(house: House) -> House:
    """A house whose newsletter must know a size."""
    fields, tags = 'city: text "City"\nsize: choice required "Size" "S" "L"', 'music: "Music"'
    await house.application.edit_newsletter(origin(), "default", fields=fields, tags=tags)
    return house


@pytest.mark.parametrize(
    ("changes", "mistakes"),
    [
        ({}, ["fields.size"]),
        ({"fields": {"town": "Ulm", "size": "M"}, "tags": ["golf"]}, ["fields.town", "fields.size", "tags"]),
        ({"name": "", "email": "x", "tags": ["golf"]}, ["name", "email", "fields.size", "tags"]),
        ({"name": "", "fields": [], "tags": ["golf"]}, ["name", "fields", "tags"]),
        ({"name": "", "fields": {"size": "S"}, "tags": 1}, ["name", "tags"]),
        ({"name": "", "fields": {"size": "S"}}, ["name"]),
        ({"name": "", "newsletter": "No Slug", "fields": {"town": "Ulm"}}, ["name", "newsletter"]),
        ({"name": "", "newsletter": "weekly"}, ["name", "newsletter"]),
    ],
)
async def test_mistakes_that_the_newsletter_knows_are_told_with_the_others(
    asking: House, changes: dict[str, object], mistakes: list[str]
) -> None:
    problem = told(await send(asking, SIGN_UP | changes))
    assert [error["field"] for error in problem["errors"]] == mistakes
    assert all(f"{field}: " in problem["detail"] for field in mistakes)


async def test_an_error_says_as_much_as_the_sentence_about_it(house: House) -> None:
    (error,) = told(await send(house, SIGN_UP | {"newsletter": "weekly"}))["errors"]
    assert error == {
        "field": "newsletter",
        "rule": "there is no newsletter 'weekly'",
        "remedy": "Leave the field out for the default one",
    }


async def test_without_the_store_the_mistakes_are_told_that_are_known(house: House) -> None:
    house.uow.outage = Outage.AWAY
    answer = await send(house, SIGN_UP | {"name": ""})
    assert (answer.status, [error["field"] for error in told(answer)["errors"]]) == (400, ["name"])


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"newsletter": "unknown"}, "newsletter"),
        ({"fields": {"city": "Ulm"}}, "fields.city"),
        ({"tags": ["music"]}, "tags"),
        ({"email": "nonsense"}, "email"),
        ({"name": "A\ud800da"}, "name"),
        ({"email": "ada\ud800@example.com"}, "email"),
        ({"name": "A\0da"}, "name"),
        ({"\ud800": 1}, "\ufffd"),
        ({"fields": {"\ud800": "x"}}, "fields.\ufffd"),
        ({"tags": ["\ud800"]}, "tags"),
        ({"name": 10**400}, "name"),
        ({"challenge": 1}, "challenge"),
        ({"answer": None}, "answer"),
    ],
)
async def test_whatever_is_wrong_stands_among_the_errors(house: House, changes: dict[str, object], field: str) -> None:
    answer = await send(house, SIGN_UP | changes)
    assert answer.status == 400
    assert [error["field"] for error in told(answer)["errors"]] == [field]
    assert await reader(house) is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "body"),
        (b"{", "body"),
        (b"\xff\xfe{\x00}\x00", "body"),
        (b'{"name": "\xff"}', "body"),
        (b"[" * 10_000, "body"),
        (b"[]", "body"),
        (b'"text"', "body"),
        (b'{"name": "Ada", "name": "Bob", "email": "ada@example.com"}', "name"),
    ],
)
async def test_what_is_no_json_object_is_told_so(house: House, body: bytes, field: str) -> None:
    answer = await send(house, body)
    assert answer.status == 400
    assert told(answer)["field"] == field


async def test_however_many_mistakes_there_are_the_answer_is_no_longer_than_what_was_sent(house: House) -> None:
    members = [f'"{number:x}":1' for number in range(1000)]
    body = f"{{{','.join([*members, *members])}}}".encode()
    assert 15 * 1024 < len(body) <= CONFIG.largest_form
    answer = await send(house, body)
    problem = told(answer)
    assert (len(problem["errors"]), problem["more"]) == (50, 950)
    assert len(answer.body) < len(body)


async def test_half_of_a_surrogate_pair_that_is_given_twice_does_not_get_into_the_answer(house: House) -> None:
    answer = await send(house, b'{"\\ud800": 1, "\\ud800": 2}')
    assert [error["field"] for error in told(answer)["errors"]] == ["\ufffd"]


@pytest.mark.parametrize(
    "headers",
    [
        FORM,
        {"Content-Type": "text/plain"},
        TYPE | {"Content-Encoding": "gzip"},
        {"Content-Type": "application/json; charset=utf-16"},
    ],
)
async def test_a_body_of_another_type_is_refused(house: House, headers: dict[str, str]) -> None:
    answer = await house.send("POST", PATH, headers, json.dumps(SIGN_UP).encode())
    assert answer.status == 415
    assert told(answer)["code"] == "body_type_refused"


async def test_a_body_has_the_limits_of_a_form(house: House) -> None:
    fits = json.dumps(SIGN_UP).encode().ljust(16 * 1024)
    assert (await send(house, fits + b" ")).status == 413
    assert (await send(house, fits)).status == 202


async def test_any_site_s_page_may_send_it_and_read_the_answer(staff: House) -> None:
    elsewhere = {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}
    asked = await staff.send("OPTIONS", PATH, {**elsewhere, "Access-Control-Request-Method": "POST"})
    assert (asked.status, asked.body) == (204, b"")
    assert asked.headers["Access-Control-Allow-Methods"] == "POST"
    assert asked.headers["Access-Control-Allow-Headers"] == "Content-Type"
    taken, refused = await send(staff, SIGN_UP, **elsewhere), await send(staff, b"", **elsewhere)
    assert (taken.status, refused.status) == (202, 400)
    for answer in (asked, taken, refused):
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert not answer.cookies


async def test_no_other_route_is_open_to_scripts_of_other_sites(house: House) -> None:
    assert "Access-Control-Allow-Origin" not in (await house.get("/")).headers


async def test_a_program_gets_problems_whatever_it_accepts(house: House) -> None:
    assert told(await house.send("GET", PATH, {"Accept": "text/html"}))["status"] == 405
    house.uow.outage = Outage.AWAY
    answer = await send(house, SIGN_UP, Accept="text/html")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
    assert told(answer)["code"] == "store_unavailable"


async def test_where_everybody_is_challenged_a_program_is_told_what_to_compute() -> None:
    clock = StandingClock()
    async with serving(at_the_door=door(Challenged.ALWAYS, clock)) as house:
        problem = told(await send(house, SIGN_UP))
        task = problem["challenge"]
        assert (problem["status"], problem["code"]) == (403, "challenge_required")
        assert task | {"algorithm": "SHA-256", "bits": 16, "wait_seconds": 15, "send_to": PATH} == task
        assert await reader(house) is None
        clock.forward(0.5)
        wrong = told(await send(house, SIGN_UP | {"challenge": task["text"], "answer": "x"}))
        assert (wrong["challenge"]["text"], wrong["challenge"]["wait_seconds"]) == (task["text"], 15)
        answered = SIGN_UP | {"challenge": task["text"], "answer": solution(task["text"])}
        assert (await send(house, answered)).status == 202
        assert await reader(house)


async def test_under_suspicion_alone_a_program_is_not_asked() -> None:
    async with serving(at_the_door=door(Challenged.SUSPICIOUS)) as quiet:
        assert (await send(quiet, SIGN_UP)).status == 202
