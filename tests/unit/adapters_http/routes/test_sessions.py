import pytest

from adapters_http.wording import LABELS
from tests.support.http import JSON, PASSWORD, House
from tests.support.outages import Outage
from zero2prod.testing.builders import origin
from zero2prod_core.domain.accounts import Username
from zero2prod_core.errors import Defect

FAILED = "<p><i>Authentication failed</i></p>"


async def test_who_logs_in_comes_to_the_dashboard(house: House) -> None:
    await house.log_in()
    answer = await house.get("/admin/dashboard")
    assert answer.status == 200
    assert "Welcome ada" in answer.text


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("ada", "wrong"),
        ("ADA", "wrong"),
        ("nobody", PASSWORD),
        ("not a username!", PASSWORD),
        ("ada", PASSWORD + " "),
        ("x" * 5000, PASSWORD),
        ("ada", "ж" * 1000),
    ],
)
async def test_whoever_fails_is_told_only_that(house: House, username: str, password: str) -> None:
    await house.log_in()
    answer = await house.post("/login", {"username": username, "password": password})
    assert (answer.status, answer.location) == (303, "/login")
    assert "session" not in answer.cookies
    assert FAILED in (await house.get("/login")).text


async def test_programs_are_told_by_a_problem(house: House) -> None:
    fields = {"username": "ada", "password": "wrong"}
    answer = await house.post("/login", fields, headers={"Accept": "application/json"})
    assert answer.status == 401
    assert not answer.cookies


async def test_an_account_without_a_password_lets_nobody_in(house: House) -> None:
    await house.application.accounts.create(origin(), Username("ada"))
    answer = await house.post("/login", {"username": "ada", "password": "None"})
    assert answer.location == "/login"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "username"),
        ({"username": "ada"}, "password"),
        ({"password": "p"}, "username"),
        ({"username": "", "password": "p"}, "username"),
        ({"username": "ada", "password": ""}, "password"),
        ({"username": "a\0da", "password": "p"}, "username"),
    ],
)
async def test_missing_fields_are_a_400(house: House, fields: dict[str, str], field: str) -> None:
    answer = await house.post("/login", fields)
    assert answer.status == 400
    assert f"{LABELS[field]} " in answer.text


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/admin/password"])
async def test_no_request_chooses_where_a_login_leads(house: House, target: str) -> None:
    await house.application.accounts.create(origin(), Username("ada"))
    await house.application.accounts.set_password(origin(), Username("ada"), PASSWORD)
    fields = {"username": "ada", "password": PASSWORD, "next": target, "url": target}
    answer = await house.post(f"/login?next={target}", fields, headers={"Host": "evil.example", "Referer": target})
    assert answer.location == "/admin/dashboard"


async def test_logging_out_ends_the_session_for_good(staff: House) -> None:
    (cookie,) = [cookie for cookie in staff.client.cookie_jar if cookie.key == "session"]
    answer = await staff.post("/admin/logout")
    assert (answer.status, answer.location) == (303, "/login")
    assert answer.cookies["session"].value == ""
    assert "<p><i>You have successfully logged out.</i></p>" in (await staff.get("/login")).text
    answer = await staff.get("/admin/dashboard", headers={"Cookie": f"session={cookie.value}"})
    assert (answer.status, answer.location) == (303, "/login")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_following_a_link_logs_nobody_out(staff: House, method: str) -> None:
    answer = await staff.send(method, "/admin/logout")
    assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    assert (await staff.get("/admin/dashboard")).status == 200


async def test_without_the_store_a_login_is_a_503(house: House) -> None:
    house.uow.outage = Outage.AWAY
    answer = await house.post("/login", {"username": "ada", "password": PASSWORD})
    assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
    assert not answer.cookies


async def test_the_login_form_helps_password_managers(house: House) -> None:
    page = (await house.get("/login")).text
    assert 'autocomplete="username"' in page
    assert 'autocomplete="current-password"' in page


async def test_a_fault_of_ours_leads_back_to_the_form_with_one_sentence(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise Defect("a secret of the machine room")

    monkeypatch.setattr(type(house.application.log_in), "__call__", fail)
    answer = await house.post("/login", {"username": "ada", "password": PASSWORD})
    assert (answer.status, answer.location) == (303, "/login")
    assert "<p><i>Something went wrong</i></p>" in (await house.get("/login")).text
    answer = await house.post("/login", {"username": "ada", "password": PASSWORD}, headers=JSON)
    assert answer.status == 500
    assert "machine room" not in answer.text
