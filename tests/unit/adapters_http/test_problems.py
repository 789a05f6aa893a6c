"""Each code has one status, and each problem a page and its details."""

import json
from collections.abc import Iterator
from http import HTTPStatus

import pytest

from adapters_http.problems import STATUSES, Problem
from adapters_http.refusals import BodyBroken
from tests.support.http import JSON, House
from tests.support.outages import Outage
from zero2prod_core.errors import Defect, SettingInvalid, StoreUnavailable, TokenUnknown, Zero2ProdError

OURS = ("zero2prod_core.", "adapters_http.")


def every_error(root: type[Zero2ProdError] = Zero2ProdError) -> Iterator[type[Zero2ProdError]]:
    yield root
    for child in root.__subclasses__():
        if child.__module__.startswith(OURS):
            yield from every_error(child)


def test_every_error_has_a_code_of_its_own() -> None:
    codes = [error.code for error in every_error()]
    assert len(set(codes)) == len(codes)


def test_every_code_has_one_status_and_no_status_lacks_its_code() -> None:
    assert {error.code for error in every_error()} == set(STATUSES)


@pytest.mark.parametrize("code", sorted(STATUSES))
def test_every_status_is_an_error_s(code: str) -> None:
    assert STATUSES[code] >= HTTPStatus.BAD_REQUEST


def test_the_walk_finds_errors_of_the_core_and_of_this_adapter() -> None:
    assert {StoreUnavailable, BodyBroken} <= set(every_error())


@pytest.mark.parametrize("error", [Defect("the secret reason"), SettingInvalid("ZERO2PROD_X", "the secret reason")])
def test_what_is_our_own_fault_is_not_explained(error: Zero2ProdError) -> None:
    problem = Problem.of(error)
    assert problem.status == 500
    assert "secret" not in problem.detail
    assert not problem.fields


def test_a_401_challenges_and_a_503_says_when_to_come_back() -> None:
    assert "WWW-Authenticate" in Problem.of(TokenUnknown()).headers
    assert Problem.of(StoreUnavailable()).headers["Retry-After"] == "2"


async def test_programs_get_problem_details(house: House) -> None:
    answer = await house.post("/subscriptions", {"email": "ada@example.com"}, headers=JSON)
    assert (answer.status, answer.headers["Content-Type"].split(";")[0]) == (400, "application/problem+json")
    assert json.loads(answer.body) == {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": "name: missing. Fill it in and try again.",
        "code": "field_missing",
        "field": "name",
        "rule": "required",
        "request_id": answer.headers["X-Request-Id"],
    }


@pytest.mark.parametrize(
    ("accept", "is_json"),
    [
        ("application/json", True),
        ("application/problem+json", True),
        ("Application/JSON, text/plain, */*", True),
        ("text/html,application/json", False),
        ("*/*", False),
        ("", False),
    ],
)
async def test_a_page_for_people_and_details_for_programs(house: House, accept: str, *, is_json: bool) -> None:
    answer = await house.get("/nowhere", headers={"Accept": accept})
    assert answer.status == 404
    assert answer.headers["Content-Type"].startswith("application/problem+json" if is_json else "text/html")


async def test_a_problem_s_page_has_the_sentence_and_the_request_s_id(house: House) -> None:
    answer = await house.get("/subscriptions/confirm")
    assert "subscription_token: missing." in answer.text
    assert answer.headers["X-Request-Id"] in answer.text


@pytest.mark.parametrize("headers", [{}, JSON])
async def test_what_nobody_expected_is_a_500_that_tells_nothing(house: House, headers: dict[str, str]) -> None:
    house.uow.outage = Outage.BROKEN
    answer = await house.get("/subscriptions/confirm?token=" + await _token(house), headers=headers)
    assert answer.status == 500
    assert "ada@example.com" not in answer.text
    assert "Traceback" not in answer.text
    assert answer.headers["X-Request-Id"] in answer.text


async def _token(house: House) -> str:
    house.uow.outage = Outage.NONE
    await house.post("/subscriptions", {"name": "Ada", "email": "ada@example.com"})
    token = await house.confirmation_token()
    house.uow.outage = Outage.BROKEN
    return token


async def test_programs_are_told_the_allowed_methods_too(house: House) -> None:
    answer = await house.send("DELETE", "/subscriptions", JSON)
    assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    assert json.loads(answer.body)["code"] == "method_not_allowed"
