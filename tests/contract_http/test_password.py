"""GET and POST /admin/password."""

import pytest

from tests.contract_http.sites import USERNAME, Site
from tests.contract_http.visitors import (
    JSON,
    PASSWORD,
    Visitor,
    expect_page,
    expect_redirect,
    flashes,
    problem,
)

NEW = "another sentence of hers"

DIFFERENT = "You entered two different new passwords - the field values must match."
WRONG = "The current password is incorrect."
CHANGED = "Your password has been changed."


def fields(current: str = PASSWORD, new: str = NEW, check: str | None = None) -> dict[str, str]:
    return {"current_password": current, "new_password": new, "new_password_check": new if check is None else check}


def refused(visitor: Visitor) -> bool:
    """Whether the old password does not open any more."""
    return bool(visitor.post("/login", {"username": USERNAME, "password": PASSWORD}).headers["location"] == "/login")


def test_the_page_has_the_form(staff: Visitor) -> None:
    page = staff.get("/admin/password")
    assert page.status_code == 200
    expect_page(page)
    assert flashes(page) == []
    assert PASSWORD not in page.text


def test_new_password_fields_must_match(staff: Visitor, visitor: Visitor) -> None:
    expect_redirect(staff.post("/admin/password", fields(check="another sentence of his")), "/admin/password")
    page = staff.get("/admin/password")
    assert f"<p><i>{DIFFERENT}</i></p>" in page.text
    assert flashes(staff.get("/admin/password")) == []
    visitor.log_in(USERNAME)


def test_current_password_must_be_valid(staff: Visitor, visitor: Visitor) -> None:
    expect_redirect(staff.post("/admin/password", fields(current="not this one at all")), "/admin/password")
    assert flashes(staff.get("/admin/password")) == [WRONG]
    assert flashes(staff.get("/admin/password")) == []
    visitor.log_in(USERNAME)


def test_changing_password_works(site: Site, staff: Visitor, visitor: Visitor) -> None:
    expect_redirect(staff.post("/admin/password", fields()), "/admin/password")
    assert flashes(staff.get("/admin/password")) == [CHANGED]
    expect_redirect(staff.post("/admin/logout"), "/login")
    assert flashes(staff.get("/login")) == ["You have successfully logged out."]
    assert refused(visitor)
    staff.log_in(USERNAME, NEW)
    assert f"Welcome {USERNAME}" in staff.get("/admin/dashboard").text


def test_changing_password_ends_the_other_sessions(staff: Visitor, visitor: Visitor) -> None:
    visitor.log_in(USERNAME)
    staff.post("/admin/password", fields())
    expect_redirect(visitor.get("/admin/dashboard"), "/login")
    assert staff.get("/admin/dashboard").status_code == 200


@pytest.mark.parametrize("new", ["a" * 11, "a" * 129, "password1234"], ids=["11", "129", "common"])
def test_a_password_that_is_no_good_is_refused_and_says_why(staff: Visitor, visitor: Visitor, new: str) -> None:
    expect_redirect(staff.post("/admin/password", fields(new=new)), "/admin/password")
    (said,) = flashes(staff.get("/admin/password"))
    assert "new password" in said.lower()
    assert said not in {DIFFERENT, WRONG, CHANGED}
    assert not refused(visitor)


@pytest.mark.parametrize("new", ["a bc def ghi", "пароль из слов", "ab" * 64], ids=["12", "letters", "128"])
def test_any_sentence_of_12_to_128_characters_will_do(staff: Visitor, visitor: Visitor, new: str) -> None:
    staff.post("/admin/password", fields(new=new))
    visitor.log_in(USERNAME, new)


@pytest.mark.parametrize("missing", list(fields()))
def test_a_change_with_a_missing_field_is_400(staff: Visitor, visitor: Visitor, missing: str) -> None:
    given = {name: value for name, value in fields().items() if name != missing}
    assert staff.post("/admin/password", given).status_code == 400
    assert not refused(visitor)


def test_a_program_gets_the_refusals_as_problem_details(staff: Visitor) -> None:
    for given, detail in ((fields(check="x"), DIFFERENT), (fields(current="x"), WRONG)):
        answer = staff.post("/admin/password", given, JSON)
        assert answer.status_code == 400
        assert problem(answer)["detail"] == detail
