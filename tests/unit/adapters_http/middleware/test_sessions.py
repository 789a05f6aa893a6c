"""The session's cookie, and who needs one."""

import attrs
import pytest

from tests.support.http import CONFIG, PASSWORD, House, serving
from tests.support.outages import Outage
from zero2prod.testing.builders import origin
from zero2prod_core.domain.accounts import Username

STAFF_PAGES = [
    ("GET", "/admin/dashboard"),
    ("GET", "/admin/newsletters"),
    ("GET", "/admin/newsletters/01a20570-d07b-7213-a709-81f3ec58843c"),
    ("POST", "/admin/newsletters"),
    ("GET", "/admin/password"),
    ("POST", "/admin/password"),
    ("POST", "/admin/logout"),
]


@pytest.mark.parametrize(("method", "path"), STAFF_PAGES)
async def test_staff_pages_ask_for_a_login(house: House, method: str, path: str) -> None:
    answer = await house.send(method, path)
    assert (answer.status, answer.location) == (303, "/login")


@pytest.mark.parametrize(("method", "path"), STAFF_PAGES)
async def test_programs_are_told_so_instead(house: House, method: str, path: str) -> None:
    answer = await house.send(method, path, headers={"Accept": "application/json"})
    assert (answer.status, answer.headers["Content-Type"].split(";")[0]) == (401, "application/problem+json")


@pytest.mark.parametrize("value", ["", "nonsense", "A" * 43, "é", "a" * 7000, '"', "a=b=c"])
async def test_a_cookie_that_is_none_of_ours_is_no_session(house: House, value: str) -> None:
    answer = await house.get("/admin/dashboard", headers={"Cookie": f"session={value}"})
    assert (answer.status, answer.location) == (303, "/login")


async def test_a_cookie_too_large_for_a_header_is_refused(house: House) -> None:
    answer = await house.get("/admin/dashboard", headers={"Cookie": "session=" + "a" * 20_000})
    assert answer.status == 400
    assert "aiohttp" not in answer.headers["Server"]


async def test_without_the_store_nobody_is_let_in(staff: House) -> None:
    staff.uow.outage = Outage.AWAY
    answer = await staff.get("/admin/dashboard")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "2")


@pytest.mark.parametrize(("is_secure", "name"), [(True, "__Host-session"), (False, "session")])
async def test_the_cookie_s_attributes(*, is_secure: bool, name: str) -> None:
    async with serving(attrs.evolve(CONFIG, cookie_secure=is_secure)) as house:
        await house.application.accounts.create(origin(), Username("ada"))
        await house.application.accounts.set_password(origin(), Username("ada"), PASSWORD)
        answer = await house.post("/login", {"username": "ada", "password": PASSWORD})
    morsel = answer.cookies[name]
    assert (morsel["httponly"], morsel["samesite"], morsel["path"]) == (True, "Lax", "/")
    assert bool(morsel["secure"]) is is_secure
    assert not morsel["domain"]
    assert not morsel["max-age"]


async def test_every_login_has_a_new_id(staff: House) -> None:
    logins = [await staff.post("/login", {"username": "ada", "password": PASSWORD}) for _ in range(2)]
    assert logins[0].cookies["session"].value != logins[1].cookies["session"].value


async def test_a_session_chosen_by_somebody_else_is_not_adopted(house: House) -> None:
    planted = {"Cookie": "session=" + "A" * 43}
    await house.application.accounts.create(origin(), Username("ada"))
    await house.application.accounts.set_password(origin(), Username("ada"), PASSWORD)
    answer = await house.post("/login", {"username": "ada", "password": PASSWORD}, headers=planted)
    assert answer.location == "/admin/dashboard"
    assert answer.cookies["session"].value != "A" * 43
    house.client.cookie_jar.clear()
    assert (await house.get("/admin/dashboard", headers=planted)).location == "/login"
