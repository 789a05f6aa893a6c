"""Setting a first password by link, and changing it later."""

import pytest

from adapters_http.wording import LABELS
from tests.support.http import JSON, PASSWORD, House
from zero2prod.testing.builders import origin
from zero2prod_core.domain.accounts import Username

NEW = "another sentence of hers"
CHANGE = {"current_password": PASSWORD, "new_password": NEW, "new_password_check": NEW}


async def _flash(house: House) -> str:
    page = (await house.get("/admin/password")).text
    return page.split("<p><i>")[1].split("</i></p>")[0]


async def test_a_changed_password_is_the_one_that_counts(staff: House) -> None:
    answer = await staff.post("/admin/password", CHANGE)
    assert (answer.status, answer.location) == (303, "/admin/password")
    assert await _flash(staff) == "Your password has been changed."
    assert (await staff.post("/login", {"username": "ada", "password": PASSWORD})).location == "/login"
    assert (await staff.post("/login", {"username": "ada", "password": NEW})).location == "/admin/dashboard"


async def test_a_change_ends_the_other_sessions(staff: House) -> None:
    login = await staff.post("/login", {"username": "ada", "password": PASSWORD})
    staff.client.cookie_jar.clear()
    await staff.post("/login", {"username": "ada", "password": PASSWORD})
    await staff.post("/admin/password", CHANGE)
    assert (await staff.get("/admin/dashboard")).status == 200
    staff.client.cookie_jar.clear()
    other = {"Cookie": f"session={login.cookies['session'].value}"}
    assert (await staff.get("/admin/dashboard", headers=other)).location == "/login"


REFUSED = [
    (
        {"new_password_check": "yet another sentence"},
        "You entered two different new passwords - the field values must match.",
    ),
    ({"current_password": "wrong"}, "The current password is incorrect."),
    ({"new_password": "short", "new_password_check": "short"}, "New password must have 12 to 128 characters."),
    ({"new_password": "x" * 129, "new_password_check": "x" * 129}, "New password must have 12 to 128 characters."),
    ({"new_password": "password1234", "new_password_check": "password1234"}, "New password must not be one of the"),
]


@pytest.mark.parametrize(("changes", "flash"), REFUSED)
async def test_a_refused_change_says_why(staff: House, changes: dict[str, str], flash: str) -> None:
    answer = await staff.post("/admin/password", CHANGE | changes)
    assert (answer.status, answer.location) == (303, "/admin/password")
    assert (await _flash(staff)).startswith(flash)
    assert (await staff.post("/login", {"username": "ada", "password": PASSWORD})).location == "/admin/dashboard"


@pytest.mark.parametrize(("changes", "flash"), REFUSED)
async def test_programs_are_told_by_a_problem(staff: House, changes: dict[str, str], flash: str) -> None:
    answer = await staff.post("/admin/password", CHANGE | changes, headers=JSON)
    assert answer.status == 400
    assert flash.replace("New password must", "new_password: must") in answer.text


@pytest.mark.parametrize("field", CHANGE)
async def test_a_missing_field_is_a_400(staff: House, field: str) -> None:
    answer = await staff.post("/admin/password", CHANGE | {field: ""})
    assert answer.status == 400
    assert f"{LABELS[field]} is missing" in answer.text


async def test_the_page_helps_password_managers(staff: House) -> None:
    page = (await staff.get("/admin/password")).text
    for part in (
        'autocomplete="current-password"',
        'autocomplete="new-password"',
        'value="ada" autocomplete="username"',
    ):
        assert part in page


async def test_a_set_up_link_sets_the_first_password_once(house: House) -> None:
    path = await house.set_up_path()
    page = await house.get(path)
    assert (page.status, "<strong>ada</strong>" in page.text) == (200, True)
    fields = {"token": path.split("token=")[1], "new_password": NEW, "new_password_check": NEW}
    answer = await house.post("/setup", fields)
    assert (answer.status, answer.location) == (303, "/login")
    assert "<p><i>Your password has been set." in (await house.get("/login")).text
    assert (await house.post("/login", {"username": "ada", "password": NEW})).location == "/admin/dashboard"
    for again in (await house.post("/setup", fields), await house.get(path)):
        assert again.status == 401
        assert "zero2prod admin reset-password" in again.text


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_looking_at_the_link_does_not_use_it_up(house: House, method: str) -> None:
    path = await house.set_up_path()
    assert [(await house.send(method, path)).status for _ in range(2)] == [200, 200]


@pytest.mark.parametrize(
    ("password", "check", "sentence"),
    [
        (NEW, NEW + "!", "You entered two different new passwords"),
        ("short", "short", "New password must have 12 to 128 characters."),
        ("", "", "New password is missing."),
        ("password1234", "password1234", "New password must not be one of the common passwords."),
    ],
)
async def test_a_refused_password_leaves_the_link_as_good_as_before(
    house: House, password: str, check: str, sentence: str
) -> None:
    path = await house.set_up_path()
    token = path.split("token=")[1]
    answer = await house.post("/setup", {"token": token, "new_password": password, "new_password_check": check})
    assert answer.status == 400
    assert f'role="alert" id="refusal"><p>{sentence}' in answer.text
    assert f'value="{token}"' in answer.text
    assert (await house.get(path)).status == 200


async def test_programs_are_told_of_a_refused_set_up_by_a_problem(house: House) -> None:
    token = (await house.set_up_path()).split("token=")[1]
    answer = await house.post("/setup", {"token": token, "new_password": "short"}, headers=JSON)
    assert (answer.status, answer.headers["Content-Type"].split(";")[0]) == (400, "application/problem+json")


@pytest.mark.parametrize(("query", "status"), [("", 400), ("?token=short", 400), ("?token=" + "x" * 43, 401)])
async def test_links_that_are_none(house: House, query: str, status: int) -> None:
    assert (await house.get("/setup" + query)).status == status


async def test_a_newer_link_replaces_the_earlier_one(house: House) -> None:
    earlier = await house.set_up_path()
    await house.application.accounts.make_set_up_link(origin(), Username("ada"))
    assert (await house.get(earlier)).status == 401
