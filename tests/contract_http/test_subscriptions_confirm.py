"""GET and POST /subscriptions/confirm, as the contract has them, and as the reference had them."""

from collections.abc import Iterator

import pytest

from tests.contract_http.sites import Site
from tests.contract_http.visitors import JSON, Visitor, expect_page, problem

EMAIL = "ursula_le_guin@gmail.com"

MALFORMED = ["", "x", "with space and more of it", "%00" * 20, "%FF" * 20, "A" * 5000, "..%2F..%2F..%2F..%2Fetc"]
UNKNOWN = ["A" * 43, "0123456789abcdefghijklmno"]
"""The second has the form of the reference's tokens: 25 letters and digits."""


@pytest.fixture(scope="module")
def url_that_acts(request: pytest.FixtureRequest) -> Iterator[str]:
    """Of a service that confirms when the link is followed."""
    with request.getfixturevalue("installation").serving({"SUBSCRIPTIONS_CONFIRM_ON_GET": True}) as url:
        yield url


@pytest.fixture
def follower(url_that_acts: str) -> Iterator[Visitor]:
    """Somebody who follows links there."""
    with Visitor.at(url_that_acts) as made:
        yield made


def test_confirmations_without_token_are_rejected_with_a_400(visitor: Visitor) -> None:
    for answer in (visitor.get("/subscriptions/confirm"), visitor.post("/subscriptions/confirm")):
        assert answer.status_code == 400
        expect_page(answer)


@pytest.mark.parametrize("token", MALFORMED)
def test_a_malformed_token_is_400(site: Site, visitor: Visitor, follower: Visitor, token: str) -> None:
    for each in (visitor, follower):
        answer = each.get(f"/subscriptions/confirm?subscription_token={token}", JSON)
        assert answer.status_code == 400
        assert problem(answer)["detail"].startswith("subscription_token")
    posted = visitor.post("/subscriptions/confirm", {"subscription_token": token}, JSON)
    assert posted.status_code == 400
    problem(posted)


@pytest.mark.parametrize("token", UNKNOWN)
def test_an_unknown_token_is_401(site: Site, visitor: Visitor, follower: Visitor, token: str) -> None:
    for each in (visitor, follower):
        assert each.get(f"/subscriptions/confirm?subscription_token={token}").status_code == 401
    answer = visitor.post("/subscriptions/confirm", {"subscription_token": token}, JSON)
    assert answer.status_code == 401
    problem(answer)


def test_the_link_returned_by_subscribe_returns_a_200_if_called(site: Site, visitor: Visitor) -> None:
    answer = visitor.get(site.sent(visitor, EMAIL))
    assert answer.status_code == 200
    expect_page(answer)


def test_following_the_link_changes_nothing_however_often(site: Site, visitor: Visitor) -> None:
    path = site.sent(visitor, EMAIL)
    for method in ("GET", "HEAD", "GET", "GET"):
        assert visitor.send(method, path).status_code == 200
    assert site.status(EMAIL) == "pending_confirmation"


def test_the_button_behind_the_link_confirms(site: Site, visitor: Visitor) -> None:
    site.readers(visitor, "before@example.com")
    path = site.sent(visitor, EMAIL, name="le guin")
    answer = visitor.press(visitor.get(path))
    assert answer.status_code == 200
    expect_page(answer)
    rows = site.rows("SELECT email, name, status FROM subscriptions WHERE email = %s", EMAIL)
    assert rows == [(EMAIL, "le guin", "confirmed")]


def test_confirming_again_answers_the_same(site: Site, visitor: Visitor) -> None:
    path = site.sent(visitor, EMAIL)
    fields = {"subscription_token": path.partition("=")[2]}
    first, second = (visitor.post("/subscriptions/confirm", fields) for _ in "12")
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert first.status_code == visitor.get(path).status_code == 200
    assert site.status(EMAIL) == "confirmed"


def test_the_shorter_name_of_the_token_works_too(site: Site, visitor: Visitor, follower: Visitor) -> None:
    path = site.sent(visitor, EMAIL).replace("subscription_token=", "token=")
    assert visitor.get(path).status_code == 200
    assert site.status(EMAIL) == "pending_confirmation"
    assert follower.get(path).status_code == 200
    assert site.status(EMAIL) == "confirmed"


def test_clicking_on_the_confirmation_link_confirms_a_subscriber_where_that_is_set(
    site: Site, visitor: Visitor, follower: Visitor
) -> None:
    path = site.sent(visitor, EMAIL, name="le guin")
    assert follower.send("HEAD", path).status_code == 200
    assert site.status(EMAIL) == "pending_confirmation"
    assert follower.get(path).status_code == 200
    assert site.rows("SELECT email, name, status FROM subscriptions") == [(EMAIL, "le guin", "confirmed")]
    assert follower.get(path).status_code == 200


def test_the_button_works_there_as_well(site: Site, visitor: Visitor, follower: Visitor) -> None:
    token = site.sent(visitor, EMAIL).partition("=")[2]
    assert follower.post("/subscriptions/confirm", {"subscription_token": token}).status_code == 200
    assert site.status(EMAIL) == "confirmed"


def test_a_link_of_yesterday_is_401_and_offers_a_new_one(site: Site, visitor: Visitor, follower: Visitor) -> None:
    path = site.sent(visitor, EMAIL)
    site.installation.age(hours=25)
    for each in (visitor, follower):
        page = each.get(path)
        assert page.status_code == 401
        assert 'href="/"' in page.text
    posted = visitor.post("/subscriptions/confirm", {"subscription_token": path.partition("=")[2]})
    assert posted.status_code == 401
    assert site.status(EMAIL) == "pending_confirmation"
    assert visitor.get(site.sent(visitor, EMAIL)).status_code == 200


def test_each_of_two_links_to_one_reader_confirms(site: Site, visitor: Visitor) -> None:
    first, second = site.sent(visitor, EMAIL), site.sent(visitor, EMAIL)
    assert first != second
    assert visitor.press(visitor.get(second)).status_code == 200
    assert site.status(EMAIL) == "confirmed"


def test_a_confirmation_may_come_from_anywhere_and_sets_no_cookie(site: Site, visitor: Visitor) -> None:
    fields = {"subscription_token": site.sent(visitor, EMAIL).partition("=")[2]}
    elsewhere = {"Origin": "https://webmail.example", "Sec-Fetch-Site": "cross-site"}
    answer = visitor.post("/subscriptions/confirm", fields, elsewhere)
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers


def test_a_token_works_for_its_purpose_alone(site: Site, visitor: Visitor) -> None:
    token = site.sent(visitor, EMAIL).partition("=")[2]
    assert visitor.post(f"/unsubscribe/{token}", {"List-Unsubscribe": "One-Click"}).status_code == 401
    assert site.status(EMAIL) == "pending_confirmation"


def test_a_database_dump_holds_no_link_that_works(site: Site, visitor: Visitor) -> None:
    token = site.sent(visitor, EMAIL).partition("=")[2]
    dump = site.dump()
    assert EMAIL in dump
    assert token not in dump


def test_the_page_of_an_expired_link_sends_a_new_one(site: Site, visitor: Visitor) -> None:
    old = site.sent(visitor, EMAIL)
    site.installation.age(hours=25)
    page = visitor.get(old)
    assert page.status_code == 401
    expect_page(page)
    assert EMAIL not in page.text
    assert visitor.press(page).status_code == 200
    site.installation.settle()
    new = site.post.to(EMAIL)[-1].confirmation_path
    assert new != old
    assert visitor.press(visitor.get(new)).status_code == 200
    assert site.status(EMAIL) == "confirmed"


def test_a_program_is_told_where_a_new_link_is_asked_for(site: Site, visitor: Visitor) -> None:
    path = site.sent(visitor, EMAIL)
    site.installation.age(hours=25)
    told = problem(visitor.get(path, JSON))
    assert (told["status"], told["new_link"]) == (401, "/subscriptions/again")
    again = visitor.post(told["new_link"], {"subscription_token": path.partition("=")[2]})
    assert again.status_code == 200


@pytest.mark.parametrize(("token", "status"), [("", 400), (MALFORMED[1], 400), (UNKNOWN[0], 401)])
def test_what_is_no_old_link_brings_no_new_one(site: Site, visitor: Visitor, token: str, status: int) -> None:
    answer = visitor.post("/subscriptions/again", {"subscription_token": token})
    assert answer.status_code == status
    assert site.rows("SELECT 1 FROM subscriptions") == []
