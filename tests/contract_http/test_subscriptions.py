"""POST /subscriptions."""

from collections.abc import Callable
from uuid import UUID

import pytest

from tests.contract_http.sites import USERNAME, Site
from tests.contract_http.visitors import FORM, JSON, PASSWORD, Visitor, expect_page, forms, problem

EMAIL = "ursula_le_guin@gmail.com"

# Characters on both sides of the limit: of 256 that can be seen, and of 1,024 code points in all.
FAMILY = "👩\u200d👩\u200d👧"


def test_subscribe_returns_a_200_for_valid_form_data(visitor: Visitor) -> None:
    answer = visitor.send("POST", "/subscriptions", b"name=le%20guin&email=ursula_le_guin%40gmail.com", FORM)
    assert answer.status_code == 200
    expect_page(answer)


def test_subscribe_persists_the_new_subscriber(site: Site, visitor: Visitor) -> None:
    visitor.subscribe(EMAIL, "le guin")
    rows = site.rows("SELECT id, email, name, status, subscribed_at <= now() FROM subscriptions")
    ((id_, *row),) = rows
    assert isinstance(id_, UUID)
    assert row == [EMAIL, "le guin", "pending_confirmation", True]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("name=le%20guin", "email"),
        ("email=ursula_le_guin%40gmail.com", "name"),
        ("", "name"),
        ("name=&email=ursula_le_guin%40gmail.com", "name"),
        ("name=++%09&email=ursula_le_guin%40gmail.com", "name"),
        ("name=Ursula&email=", "email"),
        ("name=Ursula&email=definitely-not-an-email", "email"),
        ("name=Ursula&email=%40gmail.com", "email"),
        ("name=Ursula&email=ursula%40", "email"),
        ("name=Ursula&email=ursula%40localhost..com", "email"),
        ("name=Ursula&email=ursula%40%5B127.0.0.1%5D", "email"),
        ("name=Ursula&email=%22ursula+le%22%40gmail.com", "email"),
        ("name=Ursula&email=ursula%28le+guin%29%40gmail.com", "email"),
        ("name=Ursula&email=ursula%40gmail.com%0D%0ABcc%3A+eve%40example.com", "email"),
        ("name=%00&email=ursula_le_guin%40gmail.com", "name"),
        ("name=&email=definitely-not-an-email", "name"),
        ("email=definitely-not-an-email", "name"),
        ("name=%3Cb%3E&email=&newsletter=none", "name"),
        ("name=Ursula&email=ursula_le_guin%40gmail.com&newsletter=nobody-writes-this", "newsletter"),
        ("name=Ursula&email=ursula_le_guin%40gmail.com&newsletter=%2F..%2F", "newsletter"),
    ],
)
def test_subscribe_returns_a_400_when_fields_are_missing_or_invalid(
    site: Site, visitor: Visitor, body: str, field: str
) -> None:
    page = visitor.send("POST", "/subscriptions", body.encode(), FORM)
    assert page.status_code == 400
    expect_page(page)
    answer = visitor.send("POST", "/subscriptions", body.encode(), FORM | JSON)
    assert answer.status_code == 400
    assert problem(answer)["detail"].startswith(field)
    assert site.rows("SELECT 1 FROM subscriptions") == []


@pytest.mark.parametrize(
    "sign", [*list('/()"<>\\{}'), "\x00", "\n", "\r", "\x7f", "\x85", "\u2028", "\u202e", "\u2066"]
)
def test_a_name_with_a_sign_that_none_has_is_refused(site: Site, visitor: Visitor, sign: str) -> None:
    assert visitor.subscribe(EMAIL, f"Ursula{sign}Le Guin").status_code == 400
    assert site.rows("SELECT 1 FROM subscriptions") == []


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("a" * 256, 200),
        ("a" * 257, 400),
        ("ё" * 256, 200),
        ("a\u0301" * 256, 200),
        (FAMILY * 85, 200),
        ("é" * 1025, 400),
    ],
    ids=["256", "257", "256 letters", "256 with accents", "255 seen, 425 in all", "1025 code points"],
)
def test_a_name_has_at_most_256_visible_characters(visitor: Visitor, name: str, status: int) -> None:
    assert visitor.subscribe(EMAIL, name).status_code == status


@pytest.mark.parametrize(
    "name",
    [
        "Robert'; DROP TABLE subscriptions; --",
        "Maria Castillo",
        "O'Connor & Søn",
        "' OR '1'='1",
        "SELECT * FROM users",
        "中村 明",
        "أحمد",
        "$$%s$1?",
    ],
)
def test_whatever_looks_like_sql_is_a_name(site: Site, visitor: Visitor, name: str) -> None:
    assert visitor.subscribe(EMAIL, f" {name} ").status_code == 200
    assert site.rows("SELECT name FROM subscriptions") == [(name,)]


@pytest.mark.parametrize(
    "email", ["ada@BÜCHER.example", "ada@xn--bcher-kva.example", "a.b+c@example.co.uk", f"{'a' * 64}@example.com"]
)
def test_e_mail_addresses_that_work_elsewhere_work_here(visitor: Visitor, email: str) -> None:
    assert visitor.subscribe(email).status_code == 200


def test_an_e_mail_address_is_unique_without_regard_to_case(site: Site, visitor: Visitor) -> None:
    for email in ("Ada@Example.com", "ada@example.COM", "ada@example.com"):
        assert visitor.subscribe(email).status_code == 200
    assert len(site.rows("SELECT 1 FROM subscriptions")) == 1


def test_an_e_mail_address_longer_than_254_bytes_is_refused(visitor: Visitor) -> None:
    labels = ".".join(["d" * 60] * 3)
    assert visitor.subscribe(f"{'a' * 64}@{labels}.{'e' * (254 - 64 - 1 - len(labels) - 1)}").status_code == 200
    assert visitor.subscribe(f"{'a' * 64}@{labels}.{'e' * (255 - 64 - 1 - len(labels) - 1)}").status_code == 400


def pending(_site: Site, visitor: Visitor, email: str) -> None:
    visitor.subscribe(email)


def confirmed(site: Site, visitor: Visitor, email: str) -> None:
    site.readers(visitor, email)


def unsubscribed(site: Site, visitor: Visitor, email: str) -> None:
    site.readers(visitor, email)
    site.installation.create_account(USERNAME, PASSWORD)
    with Visitor.at(site.url) as staff:
        staff.log_in(USERNAME)
        staff.publish()
    site.installation.settle()
    assert visitor.post(site.post.to(email)[-1].unsubscribe_path).status_code == 200
    assert site.status(email) == "unsubscribed"


@pytest.mark.parametrize("before", [pending, confirmed, unsubscribed], ids=lambda state: state.__name__)
def test_the_answer_says_nothing_of_what_is_known(
    site: Site, visitor: Visitor, before: Callable[[Site, Visitor, str], None]
) -> None:
    before(site, visitor, "known@example.com")
    known, new = visitor.subscribe("known@example.com"), visitor.subscribe("new@example.com")
    assert (known.status_code, known.content) == (new.status_code, new.content)
    assert known.headers.keys() == new.headers.keys()
    assert known.status_code == 200


def test_a_reader_who_signs_up_again_stays_confirmed(site: Site, visitor: Visitor) -> None:
    site.readers(visitor, EMAIL, name="First")
    visitor.subscribe(EMAIL, "Second")
    site.installation.settle()
    assert site.rows("SELECT name, status FROM subscriptions") == [("First", "confirmed")]


def test_a_newsletter_is_chosen_by_its_slug(site: Site, visitor: Visitor) -> None:
    site.installation.create_newsletter("weekly")
    assert visitor.subscribe(EMAIL, newsletter="weekly").status_code == 200
    assert visitor.subscribe(EMAIL, newsletter="default").status_code == 200
    assert visitor.subscribe(EMAIL, newsletter="").status_code == 200
    assert len(site.rows("SELECT 1 FROM subscriptions WHERE email = %s", EMAIL)) == 2


def test_any_site_may_have_the_form(visitor: Visitor) -> None:
    elsewhere = {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}
    answer = visitor.post("/subscriptions", {"name": "Ursula", "email": EMAIL}, elsewhere)
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers


def test_the_first_page_has_a_form_that_works(site: Site, visitor: Visitor) -> None:
    page = visitor.get("/")
    assert page.status_code == 200
    expect_page(page)
    (form,) = forms(page)
    assert (form.method, form.action) == ("post", "/subscriptions")
    answer = visitor.post(form.action, {**form.fields, "name": "Ursula", "email": EMAIL})
    if answer.status_code == 403:  # nobody fills in a form that fast
        answer = visitor.go_on(answer)
    assert answer.status_code == 200
    assert site.status(EMAIL) == "pending_confirmation"
