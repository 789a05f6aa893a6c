"""How often one may ask: 429 with Retry-After, for people and for programs."""

from collections.abc import Iterator

import httpx
import pytest

from tests.contract_http.sites import USERNAME, Site
from tests.contract_http.visitors import JSON, PASSWORD, Visitor, expect_page, expect_redirect, forms, problem

TRIES = 3

LIMITS = {
    "LIMITS_ENABLED": True,
    "LIMITS_LOGIN_ACCOUNT": f"{TRIES}/1h",
    "LIMITS_SIGN_UP_NETWORK": f"{TRIES}/1h",
    "HTTP_TRUSTED_PROXIES": "127.0.0.1",
}


@pytest.fixture(scope="module")
def limited_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Of a service behind a proxy, so that a test may come from anywhere."""
    with request.getfixturevalue("installation").serving(LIMITS) as url:
        yield url


@pytest.fixture
def visitor(site: Site, limited_url: str) -> Iterator[Visitor]:
    site.installation.create_account(USERNAME, PASSWORD)
    with Visitor.at(limited_url) as made:
        yield made


def at(network: int) -> dict[str, str]:
    return {"X-Forwarded-For": f"198.51.100.{network}"}


def attempt(visitor: Visitor, network: int, username: str = USERNAME, password: str = "wrong") -> httpx.Response:  # noqa: S107 - what nobody has
    return visitor.post("/login", {"username": username, "password": password}, at(network))


def expect_refusal(answer: httpx.Response) -> None:
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 3600


@pytest.mark.parametrize("username", [USERNAME, "nobody"])
def test_an_account_is_tried_so_often_from_wherever_and_whether_it_exists_or_not(
    visitor: Visitor, username: str
) -> None:
    for network in range(TRIES):
        expect_redirect(attempt(visitor, network, username), "/login")
    refused = attempt(visitor, TRIES, username, PASSWORD)
    expect_refusal(refused)
    expect_page(refused)
    assert forms(refused)[0].action == "/login"
    assert "Try again in" in refused.text
    assert "set-cookie" not in refused.headers
    answer = visitor.post("/login", {"username": username, "password": PASSWORD}, at(TRIES) | JSON)
    expect_refusal(answer)
    assert problem(answer)["retry_after"] == answer.headers["retry-after"]


def test_another_account_is_not_touched(visitor: Visitor) -> None:
    for network in range(TRIES + 1):
        attempt(visitor, network, "somebody else")
    expect_redirect(attempt(visitor, 0, password=PASSWORD), "/admin/dashboard")


def test_who_knows_the_password_may_log_in_as_often_as_they_like(visitor: Visitor) -> None:
    for _ in range(2 * TRIES):
        expect_redirect(attempt(visitor, 0, password=PASSWORD), "/admin/dashboard")


def test_a_network_signs_up_so_often_and_another_one_still_may(site: Site, visitor: Visitor) -> None:
    def subscribe(number: int, network: int) -> httpx.Response:
        return visitor.post("/subscriptions", {"name": "Ada", "email": f"reader-{number}@example.com"}, at(network))

    assert [subscribe(number, 20).status_code for number in range(TRIES)] == [200] * TRIES
    refused = subscribe(TRIES, 20)
    expect_refusal(refused)
    expect_page(refused)
    expect_refusal(visitor.post("/subscriptions", {}, at(20)))
    assert subscribe(TRIES, 21).status_code == 200
    assert site.rows("SELECT count(*) FROM subscriptions") == [(TRIES + 1,)]
