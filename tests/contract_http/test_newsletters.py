"""GET and POST /admin/newsletters: what is published, and to whom."""

from collections import Counter
from urllib.parse import urlencode

import pytest

from tests.contract_http.mails import Mail
from tests.contract_http.sites import SENDER, Site
from tests.contract_http.visitors import (
    FORM,
    JSON,
    Visitor,
    expect_page,
    expect_redirect,
    flashes,
    forms,
    issue,
    problem,
)

ACCEPTED = "The newsletter issue has been accepted - emails will go out shortly."

READER = "reader@example.com"

MIB = 1024 * 1024


def issues(site: Site) -> list[Mail]:
    """The mails that are no confirmations."""
    return [mail for mail in site.post.mails if mail.subject == issue()["title"]]


def test_the_page_has_a_form_whose_key_is_new_each_time(staff: Visitor) -> None:
    page, again = staff.get("/admin/newsletters"), staff.get("/admin/newsletters")
    assert page.status_code == 200
    expect_page(page)
    keys = [
        form.fields["idempotency_key"]
        for each in (page, again)
        for form in forms(each)
        if "idempotency_key" in form.fields
    ]
    assert len(set(keys)) == len(keys) == 2
    assert all(1 <= len(key) <= 50 for key in keys)


def test_what_is_typed_into_the_form_is_published(site: Site, staff: Visitor, visitor: Visitor) -> None:
    site.readers(visitor, READER)
    (form,) = [form for form in forms(staff.get("/admin/newsletters")) if "idempotency_key" in form.fields]
    assert form.action == "/admin/newsletters"
    typed = {**issue(), "idempotency_key": form.fields["idempotency_key"]}
    expect_redirect(staff.post(form.action, {**form.fields, **typed}), "/admin/newsletters")
    site.installation.settle()
    assert len(issues(site)) == 1


def test_newsletters_are_not_delivered_to_unconfirmed_subscribers(site: Site, staff: Visitor, visitor: Visitor) -> None:
    site.sent(visitor, "pending@example.com")
    expect_redirect(staff.publish(), "/admin/newsletters")
    assert f"<p><i>{ACCEPTED}</i></p>" in staff.get("/admin/newsletters").text
    site.installation.settle()
    assert issues(site) == []


def test_newsletters_are_delivered_to_confirmed_subscribers_once(site: Site, staff: Visitor, visitor: Visitor) -> None:
    readers = [f"reader-{each}@example.com" for each in range(5)]
    site.readers(visitor, *readers)
    site.sent(visitor, "pending@example.com")
    expect_redirect(staff.publish(), "/admin/newsletters")
    assert flashes(staff.get("/admin/newsletters")) == [ACCEPTED]
    assert flashes(staff.get("/admin/newsletters")) == []
    site.installation.settle()
    assert Counter(mail.recipient for mail in issues(site)) == Counter(readers)


def test_the_mail_says_what_was_written(site: Site, staff: Visitor, visitor: Visitor) -> None:
    site.readers(visitor, READER)
    title, text = "Nº 1 — Привет, 世界 🚀", "Grüße\n.\n..\nund Schluß { }"
    staff.publish(title=title, text_content=text, html_content="<h1>Grüße</h1><script>alert(1)</script>")
    site.installation.settle()
    mail = site.post.to(READER)[-1]
    assert mail.subject == title
    assert SENDER in mail.sender
    assert mail.text.replace("\r\n", "\n").startswith(text)
    assert "<h1>Grüße</h1>" in mail.html
    assert "<script" not in mail.html


def test_slots_are_filled_for_each_reader(site: Site, staff: Visitor, visitor: Visitor) -> None:
    readers = ["ada@example.com", "grace@example.com"]
    site.readers(visitor, *readers)
    slots = r"To {{ subscriber.email | upper }}, with \{{ braces }}"
    staff.publish(text_content=slots, html_content=f"<p>{slots}</p>")
    site.installation.settle()
    for reader in readers:
        mail = site.post.to(reader)[-1]
        said = f"To {reader.upper()}, with {{{{ braces }}}}"
        assert mail.text.startswith(said)
        assert f"<p>{said}</p>" in mail.html


def test_markdown_becomes_both_parts(site: Site, staff: Visitor, visitor: Visitor) -> None:
    site.readers(visitor, READER)
    expect_redirect(
        staff.publish(text_content="", html_content="", markdown_content="# Grüße\n\n*sehr* viele"),
        "/admin/newsletters",
    )
    site.installation.settle()
    mail = site.post.to(READER)[-1]
    assert mail.text.replace("\r\n", "\n").startswith("# Grüße\n\n*sehr* viele")
    assert "<em>sehr</em> viele" in mail.html


@pytest.mark.parametrize("absent", ["text_content", "html_content"])
def test_one_of_text_and_html_is_enough(site: Site, staff: Visitor, visitor: Visitor, absent: str) -> None:
    site.readers(visitor, READER)
    expect_redirect(staff.publish(**{absent: ""}), "/admin/newsletters")
    site.installation.settle()
    assert [mail.recipient for mail in issues(site)] == [READER]


def test_an_issue_is_in_the_database_under_its_title(site: Site, staff: Visitor) -> None:
    staff.publish(title="First", idempotency_key="1")
    staff.publish(title="Second", idempotency_key="2")
    rows = site.rows("SELECT newsletter_issue_id, title FROM newsletter_issues ORDER BY title")
    assert [title for _, title in rows] == ["First", "Second"]
    assert len({id_ for id_, _ in rows}) == 2
    page = staff.get("/admin/newsletters").text
    assert "First" in page
    assert "Second" in page


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": "   "}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"title": "two\r\nBcc: everybody@example.com"}, "title"),
        ({"text_content": "", "html_content": ""}, "content"),
        ({"text_content": " \n", "html_content": "<!-- nothing -->"}, "content"),
        ({"text_content": "x" * (MIB + 1)}, "text_content"),
        ({"html_content": "x" * (MIB + 1)}, "html_content"),
        ({"markdown_content": "beside HTML"}, "markdown_content"),
        ({"text_content": "Dear {{ nobody }}"}, "text_content"),
        ({"idempotency_key": ""}, "idempotency_key"),
        ({"idempotency_key": "k" * 51}, "idempotency_key"),
        ({"idempotency_key": "a\nb"}, "idempotency_key"),
        ({"idempotency_key": "a\x07b"}, "idempotency_key"),
        ({"newsletter": "nobody-writes-this"}, "newsletter"),
        ({"newsletter": "No Slug"}, "newsletter"),
    ],
    ids=lambda value: f"{str(value)[:48]!r}",
)
def test_newsletters_returns_400_for_invalid_data(
    site: Site, staff: Visitor, changes: dict[str, str], field: str
) -> None:
    page = staff.publish(**changes)
    assert page.status_code == 400
    expect_page(page)
    answer = staff.post("/admin/newsletters", issue(**changes), JSON)
    assert answer.status_code == 400
    assert field in problem(answer)["detail"].partition(":")[0]
    assert site.rows("SELECT 1 FROM newsletter_issues") == []


@pytest.mark.parametrize("missing", ["title", "idempotency_key"])
def test_newsletters_returns_400_for_missing_data(site: Site, staff: Visitor, missing: str) -> None:
    given = {name: value for name, value in issue().items() if name != missing}
    assert staff.post("/admin/newsletters", given).status_code == 400
    assert site.rows("SELECT 1 FROM newsletter_issues") == []


def test_both_bodies_may_have_one_mib(staff: Visitor) -> None:
    fields = urlencode(issue(text_content="x" * MIB, html_content="ü" * (MIB // 2))).encode()
    expect_redirect(staff.send("POST", "/admin/newsletters", fields, FORM), "/admin/newsletters")


def test_what_was_typed_is_not_lost_when_it_is_refused(staff: Visitor) -> None:
    page = staff.publish(title="", text_content="Words that took an hour", idempotency_key="of this form")
    assert "Words that took an hour" in page.text
    assert "of this form" in page.text


def test_each_newsletter_has_readers_of_its_own(site: Site, staff: Visitor, visitor: Visitor) -> None:
    site.installation.create_newsletter("weekly")
    site.readers(visitor, "daily@example.com")
    site.readers(visitor, "weekly@example.com", newsletter="weekly")
    expect_redirect(staff.publish(newsletter="weekly"), "/admin/newsletters")
    site.installation.settle()
    assert [mail.recipient for mail in issues(site)] == ["weekly@example.com"]


def test_a_newsletters_settings_are_in_its_mails(site: Site, staff: Visitor, visitor: Visitor) -> None:
    postal_address = "Garden Road 1, Kew"
    site.installation.create_newsletter("weekly", reply_to="ask@example.org", postal_address=postal_address)
    site.readers(visitor, READER, newsletter="weekly")
    staff.publish(newsletter="weekly")
    site.installation.settle()
    (mail,) = issues(site)
    assert "ask@example.org" in mail.reply_to
    assert postal_address in mail.text
    assert postal_address in mail.html


def test_without_a_reply_to_answers_go_to_the_sender(site: Site, staff: Visitor, visitor: Visitor) -> None:
    site.readers(visitor, READER)
    staff.publish()
    site.installation.settle()
    (mail,) = issues(site)
    assert mail.reply_to == ""
