"""Requests that another site makes a browser send."""

import pytest

from tests.support.http import BASE_URL, PASSWORD, House

EVIL = "https://evil.example"
LOGIN = {"username": "ada", "password": PASSWORD}

MATRIX = [
    ({}, True),
    ({"Sec-Fetch-Site": "same-origin"}, True),
    ({"Sec-Fetch-Site": "none"}, True),
    ({"Sec-Fetch-Site": "same-site"}, False),
    ({"Sec-Fetch-Site": "cross-site"}, False),
    ({"Sec-Fetch-Site": "nonsense"}, False),
    ({"Sec-Fetch-Site": ""}, False),
    ({"Sec-Fetch-Site": "same-origin", "Origin": EVIL}, True),
    ({"Sec-Fetch-Site": "cross-site", "Origin": BASE_URL}, False),
    ({"Origin": BASE_URL}, True),
    ({"Origin": BASE_URL.upper()}, True),
    ({"Origin": EVIL}, False),
    ({"Origin": BASE_URL + ".evil.example"}, False),
    ({"Origin": BASE_URL + ":8000"}, False),
    ({"Origin": BASE_URL.replace("http:", "https:")}, False),
    ({"Origin": "null"}, False),
    ({"Origin": ""}, False),
    ({"Origin": EVIL, "Host": "evil.example"}, False),
]


@pytest.mark.parametrize(("headers", "passes"), MATRIX)
async def test_login_is_for_our_own_page(house: House, headers: dict[str, str], *, passes: bool) -> None:
    answer = await house.post("/login", LOGIN, headers=headers)
    assert answer.status == (303 if passes else 403)


@pytest.mark.parametrize(("headers", "passes"), MATRIX)
async def test_a_session_acts_only_from_our_own_pages(staff: House, headers: dict[str, str], *, passes: bool) -> None:
    answer = await staff.post("/admin/logout", headers=headers)
    assert answer.status == (303 if passes else 403)
    assert (await staff.get("/admin/dashboard")).status == (303 if passes else 200)


@pytest.mark.parametrize(
    "path",
    [
        "/admin/newsletters",
        "/admin/newsletters/default/settings",
        "/admin/checklist",
        "/admin/password",
        "/admin/logout",
        "/login",
    ],
)
async def test_every_form_of_the_staff_is_guarded(staff: House, path: str) -> None:
    answer = await staff.post(path, {"title": "T"}, headers={"Sec-Fetch-Site": "cross-site", "Origin": EVIL})
    assert answer.status == 403
    assert "comes from another site" in answer.text


@pytest.mark.parametrize(("headers", "passes"), MATRIX)
async def test_a_pasted_form_may_sign_people_up_even_in_the_staff_s_browser(
    staff: House, headers: dict[str, str], *, passes: bool
) -> None:
    answer = await staff.post("/subscriptions", {"name": "Ada", "email": "ada@example.com"}, headers=headers)
    assert answer.status == 200
    assert not answer.cookies


async def test_looking_is_free(staff: House) -> None:
    assert (await staff.get("/admin/dashboard", headers={"Sec-Fetch-Site": "cross-site"})).status == 200


async def test_without_a_session_there_is_nothing_to_guard(house: House) -> None:
    answer = await house.post("/admin/logout", headers={"Sec-Fetch-Site": "cross-site"})
    assert (answer.status, answer.location) == (303, "/login")
