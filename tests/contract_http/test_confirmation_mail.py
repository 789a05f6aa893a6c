"""The mail with the link."""

from urllib.parse import parse_qs, urlsplit

from tests.contract_http.sites import BASE_URL, SENDER, Site
from tests.contract_http.visitors import Visitor

EMAIL = "ursula_le_guin@gmail.com"


def test_subscribe_sends_a_confirmation_email_for_valid_data(site: Site, visitor: Visitor) -> None:
    visitor.subscribe(EMAIL)
    site.installation.settle()
    assert len(site.post.to(EMAIL)) == 1


def test_subscribe_sends_a_confirmation_email_with_a_link(site: Site, visitor: Visitor) -> None:
    visitor.send(
        "POST",
        "/subscriptions",
        b"name=le%20guin&email=ursula_le_guin%40gmail.com",
        {
            "Content-Type": "application/x-www-form-urlencoded",
            "Host": "evil.example",
            "X-Forwarded-Host": "evil.example",
        },
    )
    site.installation.settle()
    (mail,) = site.post.to(EMAIL)
    text, html = mail.links
    assert text == html
    (link,) = text
    parts = urlsplit(link)
    assert f"{parts.scheme}://{parts.netloc}" == BASE_URL
    assert parts.path == "/subscriptions/confirm"
    assert list(parse_qs(parts.query, strict_parsing=True)) == ["subscription_token"]
    assert mail.text.count("://") == mail.html.count("://") == 1


def test_it_says_who_sends_it_and_that_a_program_did(site: Site, visitor: Visitor) -> None:
    visitor.subscribe(EMAIL)
    site.installation.settle()
    (mail,) = site.post.to(EMAIL)
    assert SENDER in mail.sender
    assert mail.subject
    assert mail.header("Auto-Submitted") == "auto-generated"
    assert "List-Unsubscribe" not in dict(mail.headers)


def test_no_text_of_a_subscriber_reaches_it(site: Site, visitor: Visitor) -> None:
    visitor.subscribe(EMAIL, "Buy cheap pills at pills dot example")
    site.installation.settle()
    (mail,) = site.post.to(EMAIL)
    assert "pills" not in f"{mail.subject}{mail.text}{mail.html}{mail.headers}"


def test_a_reader_who_has_confirmed_is_told_so_by_a_mail_without_a_link(site: Site, visitor: Visitor) -> None:
    site.readers(visitor, EMAIL)
    visitor.subscribe(EMAIL)
    site.installation.settle()
    _, notice = site.post.to(EMAIL)
    assert "subscribed to it already" in notice.text
    assert "http:" not in f"{notice.text}{notice.html}"


def test_a_sign_up_that_is_refused_gets_none(site: Site, visitor: Visitor) -> None:
    visitor.subscribe(EMAIL, "")
    visitor.subscribe(EMAIL, newsletter="nobody-writes-this")
    site.installation.settle()
    assert site.post.requests == []


def test_every_reader_has_a_link_of_their_own(site: Site, visitor: Visitor) -> None:
    paths = {site.sent(visitor, f"{name}@example.com") for name in ("ada", "grace", "ursula")}
    assert len(paths) == 3
