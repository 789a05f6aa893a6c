"""How mail is handed to Postmark, and what becomes of it where that fails. Nothing is delivered but by a drain."""

import re
from collections import Counter
from collections.abc import Iterator

import psycopg
import pytest

from tests.contract_http.mails import AWAY, INACTIVE, TOKEN, TOO_MANY, Post, receiving
from tests.contract_http.ports import Installation
from tests.contract_http.sites import SENDER, USERNAME, Site, implementation, settings
from tests.contract_http.visitors import PASSWORD, Visitor, expect_redirect

BATCH = 3

ADA, GRACE, URSULA = "ada@example.com", "grace@example.com", "ursula@example.com"


@pytest.fixture(scope="module")
def post() -> Iterator[Post]:
    with receiving() as made:
        yield made


@pytest.fixture(scope="module")
def installation(request: pytest.FixtureRequest, post: Post) -> Iterator[Installation]:
    """Where nothing is delivered by itself."""
    with implementation().installation(request, {**settings(post), "MAIL_POSTMARK_BATCH": BATCH}) as made:
        yield made


@pytest.fixture(scope="module")
def database(installation: Installation) -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
    with psycopg.connect(installation.database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def delivers() -> bool:
    return False


@pytest.fixture(scope="module")
def url(installation: Installation) -> Iterator[str]:
    with installation.serving({}) as made:
        yield made


def drain(site: Site, status: int = 0) -> str:
    """What the drain says."""
    ended = site.installation.drain()
    assert ended.status == status, ended.said
    return ended.said


def test_one_message_goes_alone(site: Site, visitor: Visitor) -> None:
    visitor.subscribe(ADA)
    assert site.post.requests == []
    drain(site)
    (request,) = site.post.requests
    assert request.path == "/email"
    assert request.token == TOKEN
    (message,) = request.messages
    assert {"From", "To", "Subject", "HtmlBody", "TextBody", "Headers"} <= message.keys()
    assert SENDER in message["From"]
    assert message["To"] == ADA
    assert all({"Name", "Value"} == header.keys() for header in message["Headers"])


def test_two_or_more_messages_go_in_batches(site: Site, visitor: Visitor) -> None:
    readers = [f"reader-{each}@example.com" for each in range(2 * BATCH + 1)]
    for reader in readers:
        visitor.subscribe(reader)
    drain(site)
    sent = [message["To"] for request in site.post.requests for message in request.messages]
    assert Counter(sent) == Counter(readers)
    assert len(site.post.requests) < len(readers)
    for request in site.post.requests:
        assert request.path == ("/email" if len(request.messages) == 1 else "/email/batch")
        assert len(request.messages) <= BATCH
    assert max(len(request.messages) for request in site.post.requests) > 1


@pytest.mark.parametrize("status", [TOO_MANY, AWAY])
def test_a_mail_that_is_put_off_is_sent_by_a_later_drain(site: Site, visitor: Visitor, status: int) -> None:
    site.post.answers.extend([status] * 20)
    answer = visitor.subscribe(ADA)
    assert answer.status_code == 200
    assert re.search(r"\b1\b", drain(site, 1))
    assert (site.status(ADA), site.post.mails) == ("pending_confirmation", [])
    site.post.answers.clear()
    site.installation.age(hours=1)
    drain(site)
    (mail,) = site.post.to(ADA)
    assert visitor.press(visitor.get(mail.confirmation_path)).status_code == 200


def test_a_send_that_fails_loses_nobody_and_shows_no_error(site: Site, visitor: Visitor) -> None:
    """Nor does it keep the others of its batch from their mail."""
    for reader in (ADA, GRACE, URSULA):
        visitor.subscribe(reader)
    site.post.server.codes[GRACE] = INACTIVE
    drain(site)
    assert Counter(mail.recipient for mail in site.post.mails) == Counter([ADA, URSULA])
    assert site.status(GRACE) in {"pending_confirmation", "bounced"}
    known, new = visitor.subscribe(GRACE), visitor.subscribe("new@example.com")
    assert (known.status_code, known.content) == (new.status_code, new.content)
    assert known.status_code == 200


def test_transient_errors_while_an_issue_goes_out_make_no_second_copy(site: Site, visitor: Visitor) -> None:
    readers = [f"reader-{each}@example.com" for each in range(BATCH + 1)]
    confirmed(site, visitor, *readers)
    expect_redirect(visitor.publish(title="Issue"), "/admin/newsletters")
    site.post.answers.append(AWAY)
    drain(site, 1)
    site.installation.age(hours=1)
    drain(site)
    issues = [mail.recipient for mail in site.post.mails if mail.subject == "Issue"]
    assert Counter(issues) == Counter(readers)


def test_whoever_leaves_before_an_issue_goes_out_does_not_get_it(site: Site, visitor: Visitor) -> None:
    confirmed(site, visitor, ADA, GRACE)
    visitor.publish(title="First", idempotency_key="1")
    drain(site)
    visitor.publish(title="Second", idempotency_key="2")
    assert visitor.post(site.post.to(ADA)[-1].unsubscribe_path).status_code == 200
    drain(site)
    assert [mail.recipient for mail in site.post.mails if mail.subject == "Second"] == [GRACE]


def confirmed(site: Site, visitor: Visitor, *readers: str) -> None:
    """People who have signed up and confirmed, and a visitor who is logged in."""
    for reader in readers:
        visitor.subscribe(reader)
    drain(site)
    for reader in readers:
        (mail,) = site.post.to(reader)
        assert visitor.press(visitor.get(mail.confirmation_path)).status_code == 200
    site.installation.create_account(USERNAME, PASSWORD)
    visitor.log_in(USERNAME)
