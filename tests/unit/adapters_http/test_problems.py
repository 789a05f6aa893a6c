"""Each code has one status, and each problem a page and its details."""

import json
from collections.abc import Iterator
from http import HTTPStatus

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from adapters_http.flashes import Flashes
from adapters_http.middleware.requests import ORIGIN
from adapters_http.pages import Pages, set_up_templates
from adapters_http.problems import STATUSES, Problem, answer
from adapters_http.refusals import BodyBroken
from tests.support.http import JSON, House
from tests.support.outages import Outage
from zero2prod.testing.builders import KEYS, origin
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
    assert "The code in this link is missing. Open the link exactly as it was given." in answer.text
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


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 408, 409, 413, 415, 422, 429, 500, 503])
async def test_every_status_has_a_page_with_a_heading_of_its_own_and_a_way_back(status: int) -> None:
    problem = Problem(HTTPStatus(status), "code", "detail", "The reason.")
    request = make_mocked_request("GET", "/nowhere", app=_app())
    request[ORIGIN] = origin()
    page = answer(Pages(Flashes.keyed(KEYS, secure=False)), request, problem).text
    assert page is not None
    assert page.count("<h1>") == 1
    assert ("Something went wrong" in page) is (status == 500)
    assert "The reason." in page
    assert 'href="/">' in page
    assert ("Try again</a>" in page) is (status in {429, 500, 503})
    assert f"{status} · request <code>" in page


def _app() -> web.Application:
    app = web.Application()
    set_up_templates(app)
    return app


@pytest.mark.parametrize(
    ("method", "path", "way"),
    [
        ("GET", "/nowhere", 'href="/">To the first page'),
        ("GET", "/admin/nowhere", 'href="/admin/dashboard">Back to the dashboard'),
        ("POST", "/login", 'href="/login">Back to the login page'),
        ("GET", "//evil.example/", 'href="/">To the first page'),
    ],
)
async def test_the_way_back_is_chosen_by_us(house: House, method: str, path: str, way: str) -> None:
    page = (await house.send(method, path, {"Referer": "https://evil.example/"})).text
    assert way in page
    assert "evil" not in page


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("/subscriptions/confirm?subscription_token=", '<a href="/">Ask for a new link</a>: subscribe again'),
        ("/setup?token=", 'Already chosen? <a href="/login">Log in</a>. Otherwise'),
        ("/setup?token=", "<code>zero2prod admin reset-password USERNAME</code>"),
        ("/unsubscribe/", "try the one in the newest"),
    ],
)
async def test_a_link_that_does_not_open_comes_with_a_hint(house: House, path: str, hint: str) -> None:
    refused = await house.get(path + "A" * 43)
    assert (refused.status, hint in refused.text) == (401, True)
    assert hint not in (await house.get("/nowhere")).text


async def test_the_staff_keep_their_navigation(staff: House) -> None:
    nowhere = "/admin/newsletters/00000000-0000-0000-0000-000000000000"
    assert 'aria-label="Staff"' in (await staff.get(nowhere)).text
    assert 'aria-label="Staff"' not in (await staff.get("/nowhere")).text


async def test_programs_are_told_the_allowed_methods_too(house: House) -> None:
    answer = await house.send("DELETE", "/subscriptions", JSON)
    assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    assert json.loads(answer.body)["code"] == "method_not_allowed"
