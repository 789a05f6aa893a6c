"""GET and POST /preferences…: by an issue's link, which is forwarded and scanned, and by the one that is mailed."""

import re

import pytest

from tests.contract_http.mails import Mail, path_of
from tests.contract_http.sites import BASE_URL, Site
from tests.contract_http.visitors import JSON, Visitor, expect_page, expect_redirect, forms, problem

READER = "reader@example.com"
NAME = "Ursula Le Guin"

METHODS = ("GET", "HEAD", "GET")

ACTS = ("name", "pause", "unsubscribe", "link")
OWN_ACTS = ("name", "pause", "answers", "unsubscribe", "data", "erase")

STATE = "SELECT status, name, paused_until FROM subscriptions ORDER BY id"


def preferences_path(mail: Mail) -> str:
    """Where the one link of a mail leads that is neither to confirm nor to leave; the same in text and HTML."""
    text, html = ({path_of(link) for link in links} for links in mail.links)
    (path,) = {path for path in text & html if path.startswith("/preferences/")}
    return path


@pytest.fixture
def issued(site: Site, staff: Visitor, visitor: Visitor) -> str:
    """The path in the issue of a confirmed reader."""
    site.readers(visitor, READER)
    expect_redirect(staff.publish(), "/admin/newsletters")
    site.installation.settle()
    return preferences_path(site.post.to(READER)[-1])


@pytest.fixture
def mailed(site: Site, visitor: Visitor) -> str:
    """The path in the mail that a confirmed reader asked for."""
    site.readers(visitor, READER)
    return asked(site, visitor)


def asked(site: Site, visitor: Visitor) -> str:
    site.post.forget()
    assert visitor.post("/preferences", {"email": READER}).status_code == 200
    site.installation.settle()
    (mail,) = site.post.to(READER)
    return preferences_path(mail)


def test_every_issue_has_a_link_to_preferences(issued: str) -> None:
    assert re.fullmatch(r"/preferences/[A-Za-z0-9_-]{32,}", issued)


def test_the_page_behind_it_says_nothing_of_its_reader(visitor: Visitor, issued: str) -> None:
    page = visitor.get(issued)
    assert page.status_code == 200
    expect_page(page)
    assert READER not in page.text
    assert NAME not in page.text
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert all(form.method == "post" for form in forms(page))


def test_following_either_link_changes_nothing_however_often(site: Site, visitor: Visitor, issued: str) -> None:
    mine = asked(site, visitor)
    before, mails = site.rows(STATE), len(site.post.mails)
    for method in METHODS:
        for path in (issued, *(f"{issued}/{act}" for act in ACTS), mine, *(f"{mine}/{act}" for act in OWN_ACTS)):
            assert visitor.send(method, path).status_code in {200, 405}
    site.installation.settle()
    assert (site.rows(STATE), len(site.post.mails)) == (before, mails)


def test_an_issues_link_acts_by_post_from_anywhere(site: Site, visitor: Visitor, issued: str) -> None:
    elsewhere = {"Origin": "https://webmail.example", "Sec-Fetch-Site": "cross-site"}
    assert visitor.post(f"{issued}/name", {"name": "Grace"}, elsewhere).status_code == 200
    assert visitor.post(f"{issued}/unsubscribe", {}, elsewhere).status_code == 200
    assert [row[:2] for row in site.rows(STATE)] == [("unsubscribed", "Grace")]


def test_it_neither_shows_nor_gives_out_nor_erases(site: Site, visitor: Visitor, issued: str) -> None:
    own = issued.replace("/preferences/", "/preferences/mine/")
    before = site.rows(STATE)
    answers = [visitor.get(own), visitor.post(f"{own}/data", {}), visitor.post(f"{own}/erase", {})]
    assert [answer.status_code for answer in answers] == [401] * 3
    assert site.rows(STATE) == before


def test_asking_for_a_link_answers_alike_whatever_is_known(site: Site, visitor: Visitor) -> None:
    site.readers(visitor, READER)
    site.post.forget()
    answers = [visitor.post("/preferences", {"email": email}) for email in (READER, "nobody@example.com", READER)]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    site.installation.settle()
    assert {mail.recipient for mail in site.post.mails} == {READER}


def test_the_mail_holds_one_link_and_nobodys_name(site: Site, visitor: Visitor, mailed: str) -> None:
    (mail,) = site.post.to(READER)
    text, html = mail.links
    assert text == html == {f"{BASE_URL}{mailed}"}
    assert NAME not in mail.text + mail.html
    assert mail.header("Auto-Submitted") == "auto-generated"


def test_the_page_behind_it_shows_what_is_kept(visitor: Visitor, mailed: str) -> None:
    page = visitor.get(mailed)
    assert page.status_code == 200
    expect_page(page)
    assert READER in page.text
    assert NAME in page.text


def test_a_database_dump_holds_neither_link(site: Site, visitor: Visitor, issued: str) -> None:
    mine = asked(site, visitor)
    dump = site.dump()
    assert [path.rpartition("/")[2] in dump for path in (issued, mine)] == [False, False]


def test_the_data_are_a_file(visitor: Visitor, mailed: str) -> None:
    answer = visitor.post(f"{mailed}/data", {})
    assert answer.status_code == 200
    assert answer.headers["content-type"].partition(";")[0] == "application/json"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["cache-control"] == "no-store"
    assert READER in answer.text
    assert answer.json()


def test_erasing_leaves_no_trace_of_the_person(site: Site, visitor: Visitor, mailed: str) -> None:
    assert visitor.press(visitor.get(f"{mailed}/erase")).status_code == 200
    dump = site.dump()
    assert READER not in dump
    assert NAME not in dump
    assert visitor.get(mailed).status_code == 401


@pytest.mark.parametrize("path", ["/preferences/", "/preferences/mine/"])
def test_what_is_no_link_is_refused(visitor: Visitor, path: str) -> None:
    for token, status in (("x", 400), ("A" * 43, 401)):
        answer = visitor.get(path + token, JSON)
        assert answer.status_code == status
        problem(answer)
        expect_page(visitor.get(path + token))
