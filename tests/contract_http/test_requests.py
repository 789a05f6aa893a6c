"""What holds on every route: methods, bodies, errors for people and programs, headers."""

import re

import pytest

from tests.contract_http.sites import Site, implementation
from tests.contract_http.visitors import FORM, JSON, Visitor, expect_page, problem

SUBSCRIBE = b"name=Ursula&email=ursula%40example.com"
LARGEST_FORM = implementation().LARGEST_FORM

# Well-formed, and of nobody's making.
TOKEN = "A" * 43

VERSION = re.compile(r"/|\d\.\d")

ROUTES = {
    "/": {"GET"},
    "/health_check": {"GET"},
    "/health/ready": {"GET"},
    "/subscriptions": {"POST"},
    "/subscriptions/again": {"POST"},
    "/api/v1/subscriptions": {"POST"},
    "/subscriptions/confirm": {"GET", "POST"},
    f"/unsubscribe/{TOKEN}": {"GET", "POST"},
    "/login": {"GET", "POST"},
    "/admin/dashboard": {"GET"},
    "/admin/newsletters": {"GET", "POST"},
    "/admin/password": {"GET", "POST"},
    "/admin/logout": {"POST"},
}

WRONG = [
    (path, method)
    for path, right in ROUTES.items()
    for method in ("GET", "POST", "PUT", "DELETE", "PATCH")
    if method not in right
]


@pytest.mark.parametrize(("path", "method"), WRONG)
def test_a_wrong_method_is_405_and_told_which_are_right(staff: Visitor, path: str, method: str) -> None:
    answer = staff.send(method, path, headers=JSON)
    assert answer.status_code == 405
    allowed = {word.strip() for word in answer.headers["allow"].split(",")}
    assert allowed - {"HEAD", "OPTIONS"} == ROUTES[path]
    assert ("HEAD" in allowed) == ("GET" in allowed)
    problem(answer)


@pytest.mark.parametrize("path", ["/nowhere", "/admin/nowhere", "/subscriptions/", "/unsubscribe", "/static/../app.py"])
def test_what_is_not_there_is_404(visitor: Visitor, path: str) -> None:
    page = visitor.get(path)
    assert page.status_code == 404
    expect_page(page)
    answer = visitor.get(path, JSON)
    assert answer.status_code == 404
    problem(answer)


@pytest.mark.parametrize("path", [path for path, right in ROUTES.items() if "GET" in right])
def test_head_answers_as_get_does_without_a_body(staff: Visitor, path: str) -> None:
    head, get = staff.send("HEAD", path), staff.get(path)
    assert (head.status_code, head.content) == (get.status_code, b"")
    assert head.headers.get("content-type") == get.headers.get("content-type")


def test_a_form_that_is_too_long_is_413(site: Site, visitor: Visitor) -> None:
    fits = SUBSCRIBE + b"&x=" + b"x" * (LARGEST_FORM - len(SUBSCRIBE) - 3)
    assert visitor.send("POST", "/subscriptions", fits + b"x", FORM).status_code == 413
    answer = visitor.send("POST", "/subscriptions", fits + b"x", FORM | JSON)
    assert answer.status_code == 413
    problem(answer)
    assert site.rows("SELECT 1 FROM subscriptions") == []
    assert visitor.send("POST", "/subscriptions", fits, FORM).status_code == 200


@pytest.mark.parametrize("path", ["/subscriptions/confirm", "/login"])
def test_no_other_public_form_is_larger(visitor: Visitor, path: str) -> None:
    assert visitor.send("POST", path, b"x=" + b"x" * LARGEST_FORM, FORM).status_code == 413


@pytest.mark.parametrize("path", ["/subscriptions", "/subscriptions/confirm", "/login"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/json"},
        {"Content-Type": "application/x-www-form-urlencoded; charset=utf-16"},
        {**FORM, "Content-Encoding": "gzip"},
    ],
    ids=lambda headers: " ".join(headers.values()) or "no type",
)
def test_a_body_that_is_no_form_is_415(visitor: Visitor, path: str, headers: dict[str, str]) -> None:
    answer = visitor.send("POST", path, SUBSCRIBE, headers | JSON)
    assert answer.status_code == 415
    problem(answer)


def test_json_is_415_although_it_says_the_same(site: Site, visitor: Visitor) -> None:
    body = b'{"name": "Ursula", "email": "ursula@example.com"}'
    answer = visitor.send("POST", "/subscriptions", body, {"Content-Type": "application/json"})
    assert answer.status_code == 415
    expect_page(answer)
    assert site.rows("SELECT 1 FROM subscriptions") == []


@pytest.mark.parametrize(
    "accept", ["application/json", "application/problem+json", "application/json, text/plain, */*"]
)
def test_a_program_gets_problem_details(visitor: Visitor, accept: str) -> None:
    told = problem(visitor.send("POST", "/subscriptions", b"name=Ursula", {**FORM, "Accept": accept}))
    assert (told["status"], told["title"]) == (400, "Bad Request")
    assert "email" in told["detail"]


@pytest.mark.parametrize("accept", ["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "*/*", ""])
def test_a_browser_gets_a_page(visitor: Visitor, accept: str) -> None:
    answer = visitor.send("POST", "/subscriptions", b"name=Ursula", {**FORM, "Accept": accept})
    assert answer.status_code == 400
    expect_page(answer)


@pytest.mark.parametrize(
    "path", ["/", "/login", "/nowhere", "/health_check", "/admin/dashboard", "/subscriptions/confirm"]
)
def test_every_answer_is_made_safe_by_its_headers(visitor: Visitor, path: str) -> None:
    headers = visitor.get(path).headers
    policy = headers["content-security-policy"]
    assert {"object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"} <= set(re.split(r";\s*", policy))
    assert "unsafe-inline" not in policy
    assert "default-src" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert "cross-origin-opener-policy" in headers
    assert not VERSION.search(headers.get("server", ""))
    assert "x-powered-by" not in headers
    assert headers["x-request-id"]


def test_what_is_no_http_at_all_is_told_no_version_either(visitor: Visitor) -> None:
    answer = visitor.get("/" + "x" * 20_000)
    assert 400 <= answer.status_code < 500
    assert not VERSION.search(answer.headers.get("server", ""))


def test_every_request_has_an_id_of_its_own(visitor: Visitor) -> None:
    ids = {visitor.get("/health_check", {"X-Request-Id": "chosen-by-a-visitor"}).headers["x-request-id"] for _ in "123"}
    assert len(ids) == 3
    assert "chosen-by-a-visitor" not in ids


def test_an_error_page_names_its_request(visitor: Visitor) -> None:
    page = visitor.get("/nowhere")
    assert page.headers["x-request-id"] in page.text
    answer = visitor.get("/nowhere", JSON)
    assert answer.headers["x-request-id"] in answer.text


@pytest.mark.parametrize(
    "path", ["/subscriptions/confirm", f"/subscriptions/confirm?subscription_token={TOKEN}", f"/unsubscribe/{TOKEN}"]
)
def test_a_page_that_receives_a_token_keeps_it_to_itself(visitor: Visitor, path: str) -> None:
    headers = visitor.get(path).headers
    assert (headers["cache-control"], headers["referrer-policy"]) == ("no-store", "no-referrer")


@pytest.mark.parametrize("path", ["/", "/login", "/nowhere"])
def test_a_page_loads_nothing_from_elsewhere_and_runs_nothing(visitor: Visitor, path: str) -> None:
    text = visitor.get(path).text
    assert not re.search(r"<script|\son\w+=|\sstyle=|<style", text)
    assert not re.search(r"""(?:src|href|action)=["']?(?:https?:)?//""", text)
    assert '<html lang="' in text
