"""Publishing once what was asked for twice."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import psycopg
import pytest

from tests.contract_http.mails import Mail
from tests.contract_http.sites import USERNAME, Site
from tests.contract_http.visitors import JSON, Visitor, expect_redirect, flashes, issue, problem
from tests.support.waiting import until

ACCEPTED = "The newsletter issue has been accepted - emails will go out shortly."
READERS = ["ada@example.com", "grace@example.com"]

# An insert that goes on, without waiting for a lock, for as long as the test holds one: as a machine is slow.
SLOW = """
CREATE FUNCTION be_slow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    WHILE NOT pg_try_advisory_xact_lock(17) LOOP PERFORM pg_sleep(0.02); END LOOP;
    RETURN NEW;
END $$;
CREATE TRIGGER be_slow BEFORE INSERT ON newsletter_issues FOR EACH ROW EXECUTE FUNCTION be_slow();
"""
FAST_AGAIN = "DROP FUNCTION be_slow CASCADE"

WORKING_ON_IT = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"


@pytest.fixture(autouse=True)
def readers(site: Site, visitor: Visitor) -> None:
    """Two who have confirmed."""
    site.readers(visitor, *READERS)


@pytest.fixture
def colleague(site: Site, staff: Visitor) -> Iterator[Visitor]:
    """Another browser of the same account."""
    with Visitor.at(site.url) as made:
        made.log_in(USERNAME)
        yield made


def issues(site: Site) -> list[Mail]:
    return [mail for mail in site.post.mails if mail.subject == issue()["title"]]


def expect_one_delivery(site: Site) -> None:
    """One issue, and each reader has it once."""
    site.installation.settle()
    assert len(site.rows("SELECT 1 FROM newsletter_issues")) == 1
    assert Counter(mail.recipient for mail in issues(site)) == Counter(READERS)


def test_newsletter_creation_is_idempotent(site: Site, staff: Visitor) -> None:
    for _ in "12":
        expect_redirect(staff.publish(), "/admin/newsletters")
        assert flashes(staff.get("/admin/newsletters")) == [ACCEPTED]
    expect_one_delivery(site)


def test_it_still_is_when_the_issue_has_gone_out(site: Site, staff: Visitor) -> None:
    staff.publish()
    expect_one_delivery(site)
    expect_redirect(staff.publish(), "/admin/newsletters")
    expect_one_delivery(site)


def test_a_colleague_with_the_same_form_gets_the_same_answer(site: Site, staff: Visitor, colleague: Visitor) -> None:
    first, second = staff.publish(), colleague.publish()
    assert (first.status_code, first.headers["location"]) == (second.status_code, second.headers["location"])
    expect_one_delivery(site)


def test_concurrent_form_submission_is_handled_gracefully(site: Site, staff: Visitor, colleague: Visitor) -> None:
    with slowly(site) as go_on, ThreadPoolExecutor() as threads:
        answers = [begun(threads, staff, site), threads.submit(colleague.publish)]
        # In the time of a whole page the second comes as well; how it waits is the implementation's affair.
        assert colleague.get("/admin/newsletters").status_code == 200
        assert not any(answer.done() for answer in answers)
        go_on()
        first, second = (answer.result() for answer in answers)
    assert (first.status_code, first.headers["location"]) == (303, "/admin/newsletters")
    assert (second.status_code, second.headers["location"], second.text) == (303, "/admin/newsletters", first.text)
    assert [flashes(each.get("/admin/newsletters")) for each in (staff, colleague)] == [[ACCEPTED], [ACCEPTED]]
    expect_one_delivery(site)


def test_many_at_once_publish_once(site: Site, staff: Visitor, colleague: Visitor) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda each: each.publish(), [staff, colleague] * 4))
    assert Counter(answer.status_code for answer in answers) == {303: 8}
    expect_one_delivery(site)


@pytest.mark.parametrize(
    "changes", [{"title": "newsletter title"}, {"text_content": "Other"}, {"html_content": ""}], ids=str
)
def test_the_same_key_with_other_content_is_422(site: Site, staff: Visitor, changes: dict[str, str]) -> None:
    staff.publish()
    assert staff.publish(**changes).status_code == 422
    answer = staff.post("/admin/newsletters", issue(**changes), JSON)
    assert answer.status_code == 422
    assert "idempotency_key" in problem(answer)["detail"]
    expect_one_delivery(site)


def test_a_second_request_is_409_while_the_first_still_runs_after_five_seconds(
    site: Site, staff: Visitor, colleague: Visitor
) -> None:
    with slowly(site) as go_on, ThreadPoolExecutor() as threads:
        first = begun(threads, staff, site)
        answer = colleague.post("/admin/newsletters", issue(), JSON)
        assert not first.done()
        assert answer.status_code == 409
        assert "idempotency_key" in problem(answer)["detail"]
        go_on()
        expect_redirect(first.result(), "/admin/newsletters")
    expect_redirect(colleague.publish(), "/admin/newsletters")
    expect_one_delivery(site)


def begun(threads: ThreadPoolExecutor, staff: Visitor, site: Site) -> "Future[httpx.Response]":
    """A first request that is at work."""
    first = threads.submit(staff.publish)
    assert until(lambda: site.rows(WORKING_ON_IT) == [(1,)])
    return first


@contextmanager
def slowly(site: Site) -> Iterator[Callable[[], None]]:
    """Within, publishing does not come to its end before the function that is given has been called."""
    site.database.execute(SLOW)
    with psycopg.connect(site.installation.database_url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(17)")
        try:
            yield lambda: expect_unlocked(connection)
        finally:
            connection.execute("SELECT pg_advisory_unlock_all()")
            site.database.execute(FAST_AGAIN)


def expect_unlocked(connection: "psycopg.Connection[tuple[bool]]") -> None:
    assert connection.execute("SELECT pg_advisory_unlock(17)").fetchall() == [(True,)]


def test_a_key_belongs_to_its_newsletter(site: Site, staff: Visitor) -> None:
    site.installation.create_newsletter("weekly")
    for newsletter in ("default", "weekly"):
        expect_redirect(staff.publish(newsletter=newsletter), "/admin/newsletters")
    assert staff.publish(newsletter="weekly", title="Another").status_code == 422
    assert len(site.rows("SELECT 1 FROM newsletter_issues")) == 2


@pytest.mark.parametrize("key", ["k", "k" * 50, "ключ № 1", "'; DROP TABLE idempotency; --"])
def test_a_key_is_any_50_printable_characters(site: Site, staff: Visitor, key: str) -> None:
    for _ in "12":
        expect_redirect(staff.publish(idempotency_key=key), "/admin/newsletters")
    expect_one_delivery(site)


def test_an_issue_that_was_refused_leaves_its_key_free(site: Site, staff: Visitor) -> None:
    assert staff.publish(title="").status_code == 400
    expect_redirect(staff.publish(), "/admin/newsletters")
    expect_one_delivery(site)


def test_terminal_and_page_share_the_keys(site: Site, staff: Visitor) -> None:
    fields = issue(html_content="")
    ended = site.installation.publish(fields["title"], fields["text_content"], "shared")
    assert ended.status == 0, ended.said
    expect_redirect(staff.publish(html_content="", idempotency_key="shared"), "/admin/newsletters")
    assert staff.publish(idempotency_key="shared").status_code == 422
    expect_one_delivery(site)


def test_page_and_terminal_share_the_keys(site: Site, staff: Visitor) -> None:
    fields = issue(html_content="")
    expect_redirect(staff.publish(html_content="", idempotency_key="shared"), "/admin/newsletters")
    ended = site.installation.publish(fields["title"], fields["text_content"], "shared")
    assert ended.status == 0, ended.said
    refused = site.installation.publish("Another", fields["text_content"], "shared")
    assert refused.status == 1
    assert "idempotency_key" in refused.said
    expect_one_delivery(site)


def test_a_key_is_kept_for_a_day_and_then_swept(site: Site, staff: Visitor) -> None:
    staff.publish()
    site.installation.age(hours=23)
    assert site.installation.drain().status == 0
    expect_redirect(staff.publish(), "/admin/newsletters")
    expect_one_delivery(site)
    site.installation.age(hours=2)
    assert site.installation.drain().status == 0
    expect_redirect(staff.publish(), "/admin/newsletters")
    site.installation.settle()
    assert Counter(mail.recipient for mail in issues(site)) == Counter(READERS * 2)
