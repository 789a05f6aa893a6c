"""GET and POST /login, POST /admin/logout, and what stands behind them."""

from collections.abc import Iterator

import pytest

from tests.contract_http.sites import BASE_URL, USERNAME, Site
from tests.contract_http.visitors import (
    JSON,
    PASSWORD,
    Visitor,
    expect_page,
    expect_redirect,
    flashes,
    forms,
    issue,
    problem,
)

FAILED = "Authentication failed"
LOGGED_OUT = "You have successfully logged out."

BEHIND = [
    ("GET", "/admin/dashboard"),
    ("GET", "/admin/newsletters"),
    ("POST", "/admin/newsletters"),
    ("GET", "/admin/password"),
    ("POST", "/admin/password"),
    ("POST", "/admin/logout"),
]


@pytest.mark.parametrize(("method", "path"), BEHIND)
def test_you_must_be_logged_in(visitor: Visitor, method: str, path: str) -> None:
    expect_redirect(visitor.send(method, path), "/login")
    visitor.client.cookies.set("session", "A" * 43)
    expect_redirect(visitor.send(method, path), "/login")


@pytest.mark.parametrize(("method", "path"), BEHIND)
def test_a_program_that_is_not_logged_in_is_told_so(visitor: Visitor, method: str, path: str) -> None:
    answer = visitor.send(method, path, headers=JSON)
    assert answer.status_code == 401
    problem(answer)


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("random-username", "random-password"),
        (USERNAME, "random-password"),
        (USERNAME, f"{PASSWORD} "),
        ("' OR 1=1 --", PASSWORD),
    ],
)
def test_an_error_flash_message_is_set_on_failure(site: Site, visitor: Visitor, username: str, password: str) -> None:
    site.installation.create_account(USERNAME, PASSWORD)
    expect_redirect(visitor.post("/login", {"username": username, "password": password}), "/login")
    assert "<p><i>Authentication failed</i></p>" in visitor.get("/login").text
    assert FAILED not in visitor.get("/login").text
    expect_redirect(visitor.get("/admin/dashboard"), "/login")


def test_a_flash_that_somebody_made_up_is_not_shown(visitor: Visitor) -> None:
    visitor.client.cookies.set("flash", "Your account is blocked")
    visitor.client.cookies.set("_flash", "Your account is blocked")
    page = visitor.get("/login?error=Your+account+is+blocked")
    assert page.status_code == 200
    assert flashes(page) == []
    assert "blocked" not in page.text


@pytest.mark.parametrize(
    "fields", [{}, {"username": USERNAME}, {"password": PASSWORD}, {"username": "", "password": PASSWORD}]
)
def test_a_login_with_a_missing_field_is_400(visitor: Visitor, fields: dict[str, str]) -> None:
    assert visitor.post("/login", fields).status_code == 400
    answer = visitor.post("/login", fields, JSON)
    assert answer.status_code == 400
    problem(answer)


def test_redirect_to_admin_dashboard_after_login_success(site: Site, visitor: Visitor) -> None:
    site.installation.create_account(USERNAME, PASSWORD)
    page = visitor.get("/login")
    assert page.status_code == 200
    expect_page(page)
    (form,) = forms(page)
    answer = visitor.post(form.action, {**form.fields, "username": USERNAME, "password": PASSWORD})
    expect_redirect(answer, "/admin/dashboard")
    dashboard = visitor.get("/admin/dashboard")
    assert dashboard.status_code == 200
    assert f"Welcome {USERNAME}" in dashboard.text
    assert flashes(dashboard) == []


def test_logout_clears_session_state(staff: Visitor) -> None:
    session = dict(staff.client.cookies)
    expect_redirect(staff.post("/admin/logout"), "/login")
    page = staff.get("/login")
    assert flashes(page) == [LOGGED_OUT]
    assert flashes(staff.get("/login")) == []
    expect_redirect(staff.get("/admin/dashboard"), "/login")
    for name, value in session.items():
        staff.client.cookies.set(name, value)
    expect_redirect(staff.get("/admin/dashboard"), "/login")


def test_logging_out_of_one_browser_leaves_the_other(site: Site, staff: Visitor, visitor: Visitor) -> None:
    visitor.log_in(USERNAME)
    staff.post("/admin/logout")
    assert visitor.get("/admin/dashboard").status_code == 200


def test_each_login_begins_a_session_of_its_own(site: Site, staff: Visitor) -> None:
    first = staff.client.cookies["session"]
    staff.log_in(USERNAME)
    assert staff.client.cookies["session"] != first
    assert first not in site.dump()


def test_a_program_gets_the_refusal_as_problem_details(site: Site, visitor: Visitor) -> None:
    answer = visitor.post("/login", {"username": USERNAME, "password": "wrong"}, JSON)
    assert answer.status_code == 401
    assert problem(answer)["detail"] == FAILED


def cookie(answer_headers: list[str], name: str) -> tuple[str, set[str]]:
    """Value and attributes of the one cookie of this name, in lower case."""
    (found,) = [header for header in answer_headers if header.startswith(f"{name}=")]
    pair, *attributes = [part.strip() for part in found.split(";")]
    return pair.partition("=")[2], {attribute.lower() for attribute in attributes}


def test_on_loopback_the_cookie_goes_without_tls(site: Site, visitor: Visitor) -> None:
    site.installation.create_account(USERNAME, PASSWORD)
    answer = visitor.post("/login", {"username": USERNAME, "password": PASSWORD})
    value, attributes = cookie(answer.headers.get_list("set-cookie"), "session")
    assert len(value) >= 43
    assert attributes == {"httponly", "samesite=lax", "path=/"}


@pytest.fixture(scope="module")
def url_behind_tls(request: pytest.FixtureRequest) -> Iterator[str]:
    """Of a service as it is by itself, for a proxy that speaks TLS."""
    with request.getfixturevalue("installation").serving({"HTTP_COOKIE_SECURE": True}) as url:
        yield url


def test_elsewhere_the_cookie_is_bound_to_the_host_and_to_tls(site: Site, url_behind_tls: str) -> None:
    site.installation.create_account(USERNAME, PASSWORD)
    with Visitor.at(url_behind_tls) as visitor:
        answer = visitor.post("/login", {"username": USERNAME, "password": PASSWORD})
        _, attributes = cookie(answer.headers.get_list("set-cookie"), "__Host-session")
        assert attributes == {"httponly", "samesite=lax", "path=/", "secure"}
        refused = visitor.post("/login", {"username": USERNAME, "password": "wrong"})
        assert all("secure" in header.lower() for header in refused.headers.get_list("set-cookie"))
        assert "max-age=" in visitor.get("/").headers["strict-transport-security"]


ELSEWHERE = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": f"{BASE_URL}.evil.example"},
    {"Sec-Fetch-Site": "cross-site", "Origin": BASE_URL},
    {"Sec-Fetch-Site": "same-site", "Origin": BASE_URL},
]


@pytest.mark.parametrize("headers", ELSEWHERE, ids=lambda headers: " ".join(headers.values()))
def test_another_sites_form_logs_nobody_in(site: Site, visitor: Visitor, headers: dict[str, str]) -> None:
    site.installation.create_account(USERNAME, PASSWORD)
    page = visitor.post("/login", {"username": USERNAME, "password": PASSWORD}, headers)
    assert page.status_code == 403
    expect_page(page)
    assert "set-cookie" not in page.headers
    answer = visitor.post("/login", {"username": USERNAME, "password": PASSWORD}, headers | JSON)
    assert answer.status_code == 403
    problem(answer)


@pytest.mark.parametrize("headers", ELSEWHERE, ids=lambda headers: " ".join(headers.values()))
def test_another_sites_form_uses_nobodys_session(site: Site, staff: Visitor, headers: dict[str, str]) -> None:
    change = {"current_password": PASSWORD, "new_password": "theirs to know", "new_password_check": "theirs to know"}
    for path, fields in (("/admin/newsletters", issue()), ("/admin/password", change), ("/admin/logout", {})):
        assert staff.post(path, fields, headers).status_code == 403
    assert staff.get("/admin/dashboard").status_code == 200
    assert site.rows("SELECT 1 FROM newsletter_issues") == []
    staff.log_in(USERNAME)


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "same-origin"}, {"Origin": BASE_URL}, {}], ids=str)
def test_the_sites_own_form_logs_in(site: Site, visitor: Visitor, headers: dict[str, str]) -> None:
    site.installation.create_account(USERNAME, PASSWORD)
    answer = visitor.post("/login", {"username": USERNAME, "password": PASSWORD}, headers)
    expect_redirect(answer, "/admin/dashboard")


def test_a_link_from_elsewhere_may_be_followed(staff: Visitor) -> None:
    answer = staff.get("/admin/dashboard", {"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 200
