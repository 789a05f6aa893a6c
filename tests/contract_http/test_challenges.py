"""Challenges before a sign-up, where everybody is asked for one."""

import json
from collections.abc import Iterator

import pytest

from tests.contract_http.ports import Installation
from tests.contract_http.sites import Site
from tests.contract_http.visitors import JSON, Visitor, answer_to, expect_page, forms, problem

EMAIL = "ursula_le_guin@example.com"
SIGN_UP = {"name": "Ursula Le Guin", "email": EMAIL}


@pytest.fixture(scope="module")
def wary(installation: Installation) -> Iterator[str]:
    with installation.serving({"SUBSCRIPTIONS_CHALLENGE": "always"}) as url:
        yield url


@pytest.fixture
def asked(site: Site, wary: str) -> Iterator[Visitor]:
    """Somebody at the site that asks, whose database is that of ``site``."""
    assert site.url != wary
    with Visitor.at(wary) as made:
        yield made


def test_a_form_is_answered_by_a_page_that_keeps_what_was_typed(site: Site, asked: Visitor) -> None:
    page = asked.post("/subscriptions", SIGN_UP)
    assert page.status_code == 403
    expect_page(page)
    (form,) = forms(page)
    assert (form.method, form.action, form.buttons) == ("post", "/subscriptions", 1)
    assert form.fields["email"] == EMAIL
    assert site.rows("SELECT 1 FROM subscriptions") == []
    assert asked.go_on(page).status_code == 200
    assert site.status(EMAIL) == "pending_confirmation"


def test_too_early_without_an_answer_the_page_asks_again(site: Site, asked: Visitor) -> None:
    page = asked.press(asked.post("/subscriptions", SIGN_UP))
    assert page.status_code == 403
    assert site.rows("SELECT 1 FROM subscriptions") == []
    assert asked.go_on(page).status_code == 200


def test_an_answer_counts_for_no_other_e_mail_address(site: Site, asked: Visitor) -> None:
    (form,) = forms(asked.post("/subscriptions", SIGN_UP))
    solved = form.fields | {"answer": answer_to(form.fields["challenge"])}
    assert asked.post("/subscriptions", solved | {"email": "victim@example.com"}).status_code == 403
    assert site.rows("SELECT 1 FROM subscriptions") == []
    assert asked.post("/subscriptions", solved).status_code == 200


def test_a_program_is_told_what_to_compute_and_where_to_send_it(site: Site, asked: Visitor) -> None:
    def send(**more: str) -> tuple[int, dict[str, object]]:
        body = json.dumps(SIGN_UP | more).encode()
        answer = asked.send("POST", "/api/v1/subscriptions", body, {"Content-Type": "application/json"})
        return answer.status_code, answer.json() if answer.is_success else problem(answer)

    status, told = send()
    task = told["challenge"]
    assert isinstance(task, dict)
    assert (status, told["code"], task["send_to"]) == (403, "challenge_required", "/api/v1/subscriptions")
    assert (task["algorithm"], task["bits"]) == ("SHA-256", 16)
    assert send(challenge=task["text"], answer=answer_to(task["text"]))[0] == 202
    assert site.status(EMAIL) == "pending_confirmation"


def test_a_program_that_sends_forms_is_told_too(asked: Visitor) -> None:
    assert problem(asked.post("/subscriptions", SIGN_UP, JSON))["code"] == "challenge_required"
