"""What the staff do with an issue that is out: look, pause, resume, cancel, send again. Mails go by a drain alone."""

import re
from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest

from tests.contract_http.mails import Post, receiving
from tests.contract_http.ports import Installation
from tests.contract_http.sites import Site, implementation, settings
from tests.contract_http.visitors import JSON, Visitor, expect_page, expect_redirect, flashes, forms, problem

READER = "reader@example.com"

LINK = re.compile(r'href="(/admin/newsletters/[0-9a-f-]{36})"')

# Postmark's error code for a message that it cannot send, whoever it is for.
INVALID = 300

PAGES = ["", "/cancel", "/uncertain", "/events"]
ACTIONS = ["pause", "resume", "cancel", "resend"]


@pytest.fixture(scope="module")
def post() -> Iterator[Post]:
    with receiving() as made:
        yield made


@pytest.fixture(scope="module")
def installation(request: pytest.FixtureRequest, post: Post) -> Iterator[Installation]:
    with implementation().installation(request, settings(post)) as made:
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


@pytest.fixture
def path(site: Site, staff: Visitor, visitor: Visitor) -> str:
    """Of the page of an issue that is out, to one reader."""
    visitor.subscribe(READER)
    drain(site)
    token = site.post.to(READER)[-1].confirmation_path.partition("=")[2]
    assert visitor.post("/subscriptions/confirm", {"subscription_token": token}).status_code == 200
    expect_redirect(staff.publish(), "/admin/newsletters")
    found = LINK.search(staff.get("/admin/newsletters").text)
    assert found
    return found[1]


def drain(site: Site) -> None:
    ended = site.installation.drain()
    assert ended.status == 0, ended.said


def state(staff: Visitor, path: str) -> str:
    return str(staff.get(path, JSON).json()["state"])


def test_people_and_programs_see_the_same_sums(site: Site, staff: Visitor, path: str) -> None:
    assert "0 of 1 mails are done" in staff.get(path).text
    drain(site)
    page, told = staff.get(path), staff.get(path, JSON)
    expect_page(page)
    assert "1 of 1 mails are done" in page.text
    assert told.headers["content-type"].partition(";")[0] == "application/json"
    sums = told.json()["sums"]
    assert (sums["sent"], sum(sums.values()), told.json()["audience"]) == (1, 1, 1)


def test_a_paused_issue_waits(site: Site, staff: Visitor, path: str) -> None:
    expect_redirect(staff.post(f"{path}/pause"), path)
    assert len(flashes(staff.get(path))) == 1
    drain(site)
    assert (state(staff, path), len(site.post.mails)) == ("paused", 1)
    expect_redirect(staff.post(f"{path}/resume"), path)
    assert len(flashes(staff.get(path))) == 1
    drain(site)
    assert (state(staff, path), len(site.post.mails)) == ("finished", 2)


def test_a_cancelled_issue_is_never_sent(site: Site, staff: Visitor, path: str) -> None:
    (asking,) = [form for form in forms(staff.get(f"{path}/cancel")) if form.action != "/admin/logout"]
    assert (asking.action, asking.method, state(staff, path)) == (f"{path}/cancel", "post", "sending")
    expect_redirect(staff.post(asking.action, asking.fields), path)
    drain(site)
    told = staff.get(path, JSON).json()
    assert (told["state"], told["sums"]["cancelled"], len(site.post.mails)) == ("cancelled", 1, 1)


def test_failed_mails_are_sent_again(site: Site, staff: Visitor, path: str) -> None:
    site.post.server.codes[READER] = INVALID
    drain(site)
    told = staff.get(path, JSON).json()
    assert (told["state"], told["sums"]["failed"]) == ("finished", 1)
    site.post.server.codes.clear()
    expect_redirect(staff.post(f"{path}/resend"), path)
    assert len(flashes(staff.get(path))) == 1
    drain(site)
    assert staff.get(path, JSON).json()["sums"]["sent"] == 1


def test_of_a_finished_issue_nothing_can_be_changed(site: Site, staff: Visitor, path: str) -> None:
    drain(site)
    for action in ACTIONS:
        answer = staff.post(f"{path}/{action}")
        assert answer.status_code == 409
        expect_page(answer)
        assert problem(staff.post(f"{path}/{action}", None, JSON))["status"] == 409


def test_an_issue_that_is_over_ends_its_stream(site: Site, staff: Visitor, path: str) -> None:
    drain(site)
    answer = staff.get(f"{path}/events")
    assert answer.headers["content-type"].lower().replace(" ", "") == "text/event-stream;charset=utf-8"
    assert "retry: " in answer.text
    assert "event: over" in answer.text


def test_a_decision_about_doubts_is_whole(staff: Visitor, path: str) -> None:
    expect_page(staff.get(f"{path}/uncertain"))
    assert staff.get(f"{path}/uncertain", JSON).json() == []
    whole = {"resolution": "accept", "recipient": "all"}
    expect_redirect(staff.post(f"{path}/uncertain", whole), f"{path}/uncertain")
    for wrong in ({"recipient": "all"}, {**whole, "resolution": "forget"}, {**whole, "recipient": "ada"}):
        assert staff.post(f"{path}/uncertain", wrong).status_code == 400


@pytest.mark.parametrize("action", [*ACTIONS, "uncertain"])
def test_what_is_no_issue_cannot_be_steered(staff: Visitor, action: str) -> None:
    fields = {"resolution": "accept", "recipient": "all"}
    assert staff.post(f"/admin/newsletters/{uuid4()}/{action}", fields).status_code == 404


@pytest.mark.parametrize("page", PAGES)
def test_what_is_no_issue_has_no_page(staff: Visitor, page: str) -> None:
    assert staff.get(f"/admin/newsletters/{uuid4()}{page}").status_code == 404


@pytest.mark.parametrize("page", PAGES)
def test_without_a_session_there_is_the_login(visitor: Visitor, page: str) -> None:
    expect_redirect(visitor.get(f"/admin/newsletters/{uuid4()}{page}"), "/login")
    assert problem(visitor.get(f"/admin/newsletters/{uuid4()}{page}", JSON))["status"] == 401
