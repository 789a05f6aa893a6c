"""GET and POST /unsubscribe/{token}, by the link and the headers of a mail that was delivered (RFC 8058, RFC 2919)."""

import re

import pytest

from tests.contract_http.mails import LINK, Mail, path_of
from tests.contract_http.sites import BASE_URL, Site
from tests.contract_http.visitors import JSON, Visitor, expect_page, expect_redirect, problem

READER = "reader@example.com"

ONE_CLICK = {"List-Unsubscribe": "One-Click"}

# RFC 8058 §3.1 wants either encoding taken.
BOUNDARY = "=_one_click"
MULTIPART = (
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--{BOUNDARY}--\r\n'
)
ENCODINGS = [
    ("application/x-www-form-urlencoded", "List-Unsubscribe=One-Click"),
    (f"multipart/form-data; boundary={BOUNDARY}", MULTIPART),
]

# As a mail program's server does it: on behalf of nobody who is logged in anywhere.
FROM_WEBMAIL = {
    "Origin": "https://webmail.example",
    "Sec-Fetch-Site": "cross-site",
    "Referer": "https://webmail.example/",
}


def issue_to(site: Site, staff: Visitor, reader: str = READER, **changes: str) -> Mail:
    """Publish one more; what this reader got."""
    expect_redirect(staff.publish(**changes), "/admin/newsletters")
    site.installation.settle()
    return site.post.to(reader)[-1]


@pytest.fixture
def mail(site: Site, staff: Visitor, visitor: Visitor) -> Mail:
    """An issue, as a confirmed reader got it."""
    site.readers(visitor, READER)
    return issue_to(site, staff)


def test_every_issue_says_how_to_leave(mail: Mail) -> None:
    (link,) = LINK.findall(mail.header("List-Unsubscribe"))
    assert f"<{link}>" in mail.header("List-Unsubscribe")
    assert re.fullmatch(re.escape(BASE_URL) + r"/unsubscribe/[A-Za-z0-9_-]{32,}", link)
    assert mail.header("List-Unsubscribe-Post") == "List-Unsubscribe=One-Click"
    assert re.fullmatch(r"(?:.* )?<default\.[a-z0-9.-]+>", mail.header("List-Id"))


def test_no_header_is_there_twice(mail: Mail) -> None:
    names = [name.lower() for name, _ in mail.headers]
    assert len(names) == len(set(names))
    assert "message-id" in names


def test_the_foot_of_an_issue_has_the_link_in_text_and_html(mail: Mail) -> None:
    text, html = ({path_of(link) for link in links} for links in mail.links)
    assert mail.unsubscribe_path in text & html


def test_following_the_link_changes_nothing_however_often(site: Site, visitor: Visitor, mail: Mail) -> None:
    for method in ("GET", "HEAD", "GET"):
        assert visitor.send(method, mail.unsubscribe_path).status_code == 200
    assert site.status(READER) == "confirmed"


def test_the_button_behind_the_link_unsubscribes(site: Site, visitor: Visitor, mail: Mail) -> None:
    page = visitor.get(mail.unsubscribe_path)
    assert page.status_code == 200
    expect_page(page)
    answer = visitor.press(page)
    assert answer.status_code == 200
    expect_page(answer)
    assert site.status(READER) == "unsubscribed"


@pytest.mark.parametrize(("type_", "body"), ENCODINGS, ids=["urlencoded", "multipart"])
def test_one_click_unsubscribes(site: Site, visitor: Visitor, mail: Mail, type_: str, body: str) -> None:
    headers = {**FROM_WEBMAIL, "Content-Type": type_}
    answer = visitor.send("POST", mail.unsubscribe_path, body.encode(), headers)
    assert answer.status_code == 200
    assert not {"set-cookie", "location"} & answer.headers.keys()
    assert site.status(READER) == "unsubscribed"


def test_unsubscribing_again_answers_the_same(site: Site, visitor: Visitor, mail: Mail) -> None:
    first, second = (visitor.post(mail.unsubscribe_path, ONE_CLICK) for _ in "12")
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert first.status_code == visitor.get(mail.unsubscribe_path).status_code == 200
    assert site.status(READER) == "unsubscribed"


def test_whoever_unsubscribed_gets_no_later_issue_and_the_others_do(
    site: Site, staff: Visitor, visitor: Visitor
) -> None:
    site.readers(visitor, READER, "stays@example.com")
    left = issue_to(site, staff, idempotency_key="1")
    visitor.post(left.unsubscribe_path, ONE_CLICK)
    issue_to(site, staff, "stays@example.com", idempotency_key="2", title="Later")
    assert [mail.recipient for mail in site.post.mails if mail.subject == "Later"] == ["stays@example.com"]


def test_links_are_each_readers_own(site: Site, staff: Visitor, visitor: Visitor) -> None:
    site.readers(visitor, READER, "stays@example.com")
    issue_to(site, staff)
    paths = {name: site.post.to(name)[-1].unsubscribe_path for name in (READER, "stays@example.com")}
    assert len(set(paths.values())) == 2
    visitor.post(paths[READER], ONE_CLICK)
    assert site.status("stays@example.com") == "confirmed"


def test_a_link_works_after_months(site: Site, visitor: Visitor, mail: Mail) -> None:
    site.installation.age(hours=24 * 200)
    assert site.installation.drain().status == 0
    assert visitor.post(mail.unsubscribe_path, ONE_CLICK).status_code == 200
    assert site.status(READER) == "unsubscribed"


def test_whoever_left_may_come_back(site: Site, staff: Visitor, visitor: Visitor, mail: Mail) -> None:
    visitor.post(mail.unsubscribe_path, ONE_CLICK)
    site.readers(visitor, READER)
    assert site.status(READER) == "confirmed"
    again = issue_to(site, staff, idempotency_key="2", title="Later")
    assert again.subject == "Later"


@pytest.mark.parametrize("token", ["x", "with%20space%20and%20more", "%00" * 20, "A" * 200, "A" * 32 + "."])
def test_a_malformed_token_is_400(visitor: Visitor, token: str) -> None:
    for method in ("GET", "POST"):
        page = visitor.send(method, f"/unsubscribe/{token}")
        assert page.status_code == 400
        expect_page(page)
        answer = visitor.send(method, f"/unsubscribe/{token}", headers=JSON)
        assert answer.status_code == 400
        problem(answer)


def test_an_unknown_token_is_401(visitor: Visitor) -> None:
    for method in ("GET", "POST"):
        answer = visitor.send(method, f"/unsubscribe/{'A' * 43}", headers=JSON)
        assert answer.status_code == 401
        problem(answer)
    assert visitor.get(f"/unsubscribe/{'A' * 43}").status_code == 401


def test_a_link_to_leave_confirms_nobody(site: Site, visitor: Visitor, mail: Mail) -> None:
    token = mail.unsubscribe_path.rpartition("/")[2]
    assert visitor.post("/subscriptions/confirm", {"subscription_token": token}).status_code == 401


def test_a_database_dump_holds_no_link_to_leave(site: Site, mail: Mail) -> None:
    assert mail.unsubscribe_path.rpartition("/")[2] not in site.dump()


def test_the_foot_has_the_postal_address_where_there_is_one(site: Site, staff: Visitor, visitor: Visitor) -> None:
    site.installation.create_newsletter("weekly", postal_address="The Weekly & Sons, 1 Example Street, Springfield")
    site.readers(visitor, READER, newsletter="weekly")
    mail = issue_to(site, staff, newsletter="weekly")
    assert "The Weekly & Sons, 1 Example Street, Springfield" in mail.text
    assert "The Weekly &amp; Sons, 1 Example Street, Springfield" in mail.html
    assert "<weekly." in mail.header("List-Id")
