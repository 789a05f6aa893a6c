"""The page that was asked for before a login."""

import pytest

from adapters_http.destinations import DASHBOARD, LONGEST, Destinations
from tests.support.http import JSON, PASSWORD, Answer, House
from zero2prod.testing.builders import KEYS, origin
from zero2prod_core.domain.accounts import Username

PAGE = {"Accept": "text/html,application/xhtml+xml"}
ISSUE = "/admin/newsletters/01a20570-d07b-7213-a709-81f3ec58843c"


@pytest.fixture(autouse=True)
async def ada(house: House) -> None:
    await house.application.accounts.create(origin(), Username("ada"))
    await house.application.accounts.set_password(origin(), Username("ada"), PASSWORD)


async def log_in(house: House, password: str = PASSWORD) -> Answer:
    return await house.post("/login", {"username": "ada", "password": password})


def signed(value: object) -> dict[str, str]:
    cookie = Destinations.keyed(KEYS, secure=False).cookie
    return {"Cookie": f"{cookie.name}={cookie.serializer.dumps(value)!s}"}


@pytest.mark.parametrize("path", [ISSUE, f"{ISSUE}?still", "/admin/password", f"{ISSUE}/failures?after=x&b=%2F%2Fc"])
async def test_a_login_leads_to_the_page_that_was_asked_for(house: House, path: str) -> None:
    asked = await house.get(path, PAGE)
    assert (asked.status, asked.location) == (303, "/login")
    assert (await log_in(house)).location == path
    assert (await log_in(house)).location == DASHBOARD


async def test_a_wrong_password_does_not_forget_it(house: House) -> None:
    await house.get(ISSUE, PAGE)
    assert (await log_in(house, "wrong")).location == "/login"
    assert (await log_in(house)).location == ISSUE


async def test_the_newest_page_counts(house: House) -> None:
    for path in (ISSUE, "/admin/password"):
        await house.get(path, PAGE)
    assert (await log_in(house)).location == "/admin/password"


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("POST", "/admin/newsletters", PAGE),
        ("HEAD", "/admin/password", PAGE),
        ("GET", "/admin/password", {}),
        ("GET", "/admin/password", JSON),
        ("GET", f"{ISSUE}/events", {"Accept": "text/event-stream"}),
        ("GET", "/admin/nowhere", PAGE),
        ("GET", "/nowhere", PAGE),
        ("GET", "//evil.example/admin/password", PAGE),
        ("GET", "/admin//evil.example", PAGE),
        ("GET", "/admin/password?next=\\\\evil.example", PAGE),
        ("GET", "/admin/password?" + "a" * LONGEST, PAGE),
    ],
)
async def test_nothing_else_is_remembered(house: House, method: str, path: str, headers: dict[str, str]) -> None:
    answer = await house.send(method, path, headers)
    assert "destination" not in answer.cookies
    assert (await log_in(house)).location == DASHBOARD


@pytest.mark.parametrize(
    "value",
    [
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example/admin/password",
        "/admin/../../evil",
        "/admin//evil.example",
        "/admin/%2F%2Fevil.example",
        "/admin/%5Cevil.example",
        "/admin/password\r\nX: y",
        "/admin/password ",
        "/login",
        "/admin",
        "admin/password",
        "",
        7,
        None,
        ["/admin/password"],
    ],
)
async def test_even_signed_it_must_be_a_page_of_the_staff(house: House, value: object) -> None:
    answer = await house.post("/login", {"username": "ada", "password": PASSWORD}, signed(value))
    assert (answer.status, answer.location) == (303, DASHBOARD)


@pytest.mark.parametrize("cookie", ["/admin/password", "ImEi.x.y", "é"])
async def test_nobody_else_chooses_it(house: House, cookie: str) -> None:
    headers = {"Cookie": f"destination={cookie}"}
    answer = await house.post("/login?next=/admin/password", {"username": "ada", "password": PASSWORD}, headers)
    assert answer.location == DASHBOARD


async def test_the_cookie_is_for_us_alone_and_for_ten_minutes(house: House) -> None:
    morsel = (await house.get("/admin/password", PAGE)).cookies["destination"]
    assert (morsel["httponly"], morsel["samesite"], morsel["path"], morsel["max-age"]) == (True, "Lax", "/", "600")
    assert Destinations.keyed(KEYS, secure=True).cookie.name == "__Host-destination"
