"""POST /api/v1/subscriptions: signing up for programs, and for scripts of any site."""

import json
from collections.abc import Mapping

import httpx
import pytest

from tests.contract_http.sites import Site, implementation
from tests.contract_http.visitors import Visitor, problem

PATH = "/api/v1/subscriptions"
EMAIL = "ursula_le_guin@example.com"
SIGN_UP = {"name": "Ursula Le Guin", "email": EMAIL}
TYPE = {"Content-Type": "application/json"}


def send(visitor: Visitor, value: object, headers: Mapping[str, str] = TYPE) -> httpx.Response:
    return visitor.send("POST", PATH, json.dumps(value).encode(), headers)


def test_a_sign_up_is_accepted_and_gets_its_mail(site: Site, visitor: Visitor) -> None:
    answer = send(visitor, SIGN_UP)
    assert (answer.status_code, answer.json()["status"]) == (202, "accepted")
    site.installation.settle()
    assert visitor.get(site.post.to(EMAIL)[-1].confirmation_path).status_code == 200
    assert site.status(EMAIL) == "pending_confirmation"


def test_the_answer_says_nothing_of_what_is_known(site: Site, visitor: Visitor) -> None:
    site.readers(visitor, EMAIL)
    known, new = send(visitor, SIGN_UP), send(visitor, SIGN_UP | {"email": "new@example.com"})
    assert (known.status_code, known.content) == (new.status_code, new.content)
    assert known.headers.keys() == new.headers.keys()


def test_every_mistake_is_told_at_once(site: Site, visitor: Visitor) -> None:
    answer = send(visitor, {"email": "none", "utm": "x"})
    assert answer.status_code == 400
    errors = problem(answer)["errors"]
    assert [error["field"] for error in errors] == ["name", "email", "utm"]
    assert all(isinstance(error[part], str) and error[part] for error in errors for part in ("rule", "remedy"))
    assert site.rows("SELECT 1 FROM subscriptions") == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 9000, b'{"name": "a", "name": "b"}'])
def test_what_is_no_sign_up_is_refused_calmly(site: Site, visitor: Visitor, body: bytes) -> None:
    answer = visitor.send("POST", PATH, body, TYPE)
    assert answer.status_code == 400
    problem(answer)
    assert site.rows("SELECT 1 FROM subscriptions") == []


def test_another_type_is_415_and_too_much_is_413(visitor: Visitor) -> None:
    form = visitor.post(PATH, SIGN_UP)
    assert form.status_code == 415
    problem(form)
    large = visitor.send("POST", PATH, b" " * (implementation().LARGEST_FORM + 1), TYPE)
    assert large.status_code == 413
    problem(large)


def test_scripts_of_any_site_may_send_it_without_credentials(visitor: Visitor) -> None:
    elsewhere = {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}
    asked = visitor.send("OPTIONS", PATH, headers={**elsewhere, "Access-Control-Request-Method": "POST"})
    assert asked.is_success
    assert "POST" in asked.headers["access-control-allow-methods"]
    assert "content-type" in asked.headers["access-control-allow-headers"].lower()
    for answer in (asked, send(visitor, SIGN_UP, TYPE | elsewhere), send(visitor, {}, TYPE | elsewhere)):
        assert answer.headers["access-control-allow-origin"] in {"*", "https://elsewhere.example"}
        assert "access-control-allow-credentials" not in answer.headers
        assert "set-cookie" not in answer.headers
