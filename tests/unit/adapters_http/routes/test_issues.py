"""Publishing from the page."""

import asyncio
import re

import pytest

from adapters_http.wording import LABELS
from tests.support.http import JSON, House
from zero2prod.testing.builders import new_id, origin
from zero2prod_core.domain.issues import Issue
from zero2prod_core.domain.letters import UncertainPolicy
from zero2prod_core.errors import IdempotencyKeyInUse

ISSUE = {"title": "First", "text_content": "Hello", "html_content": "<p>Hello</p>", "idempotency_key": "key-1"}
ACCEPTED = "<p><i>The newsletter issue has been accepted - emails will go out shortly.</i></p>"


async def _issues(house: House) -> list[Issue]:
    return list(await house.application.list_issues())


async def _confirmed(house: House, email: str = "reader@example.com") -> None:
    await house.post("/subscriptions", {"name": "Reader", "email": email})
    await house.post("/subscriptions/confirm", {"subscription_token": await house.confirmation_token()})


def _key(page: str) -> str:
    found = re.search(r'name="idempotency_key" value="([^"]+)"', page)
    assert found
    return found[1]


async def test_an_issue_is_accepted_and_listed(staff: House) -> None:
    await _confirmed(staff)
    answer = await staff.post("/admin/newsletters", ISSUE)
    assert (answer.status, answer.location) == (303, "/admin/newsletters")
    (issue,) = await _issues(staff)
    assert (issue.title, issue.audience) == ("First", 1)
    page = (await staff.get("/admin/newsletters")).text
    assert ACCEPTED in page
    assert f'<a href="/admin/newsletters/{issue.id}">First</a>' in page
    assert "sending, 1 recipient," in page
    assert ACCEPTED not in (await staff.get("/admin/newsletters")).text


async def test_whoever_publishes_is_noted(staff: House) -> None:
    await staff.post("/admin/newsletters", ISSUE)
    async with staff.uow.reading() as tx:
        (event,) = await tx.audit.tail(1)
        (account,) = await tx.accounts.list()
    assert event.origin.actor.id == str(account.id)


async def test_the_same_form_sent_twice_is_one_issue_and_one_answer(staff: House) -> None:
    answers = await asyncio.gather(*[staff.post("/admin/newsletters", ISSUE) for _ in range(2)])
    assert {(answer.status, answer.location) for answer in answers} == {(303, "/admin/newsletters")}
    assert len(await _issues(staff)) == 1


async def test_a_key_used_for_other_content_is_a_422_that_keeps_the_words(staff: House) -> None:
    await staff.post("/admin/newsletters", ISSUE)
    answer = await staff.post("/admin/newsletters", ISSUE | {"title": "Second"})
    assert answer.status == 422
    assert 'value="Second"' in answer.text
    assert _key(answer.text) != "key-1"
    assert len(await _issues(staff)) == 1
    again = await staff.post("/admin/newsletters", ISSUE | {"title": "Second", "idempotency_key": _key(answer.text)})
    assert again.status == 303


async def test_a_key_in_use_is_a_409_that_keeps_the_key(staff: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise IdempotencyKeyInUse

    monkeypatch.setattr(type(staff.application.publish), "__call__", fail)
    answer = await staff.post("/admin/newsletters", ISSUE)
    assert (answer.status, _key(answer.text)) == (409, "key-1")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": "two\nlines"}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"text_content": "", "html_content": ""}, "text_content"),
        ({"text_content": "x" * (1024 * 1024 + 1)}, "text_content"),
        ({"html_content": "a\0b"}, "html_content"),
        ({"markdown_content": "beside HTML"}, "markdown_content"),
        ({"text_content": "{{ nobody }}"}, "text_content"),
        ({"idempotency_key": ""}, "idempotency_key"),
        ({"idempotency_key": "x" * 51}, "idempotency_key"),
        ({"idempotency_key": "a\nb"}, "idempotency_key"),
        ({"newsletter": "No Slug"}, "newsletter"),
        ({"newsletter": "unknown"}, "newsletter"),
    ],
)
async def test_bad_input_is_a_400_that_names_the_field_and_publishes_nothing(
    staff: House, changes: dict[str, str], field: str
) -> None:
    answer = await staff.post("/admin/newsletters", ISSUE | changes)
    assert answer.status == 400
    assert f'role="alert" id="refusal"><p>{LABELS[field]}' in answer.text
    assert not await _issues(staff)
    assert (_key(answer.text) == "key-1") is (field != "idempotency_key")


async def test_a_refused_form_keeps_every_word(staff: House) -> None:
    changes = {"title": "", "text_content": "\n<b>kept</b>", "html_content": "</textarea><script>"}
    page = (await staff.post("/admin/newsletters", ISSUE | changes)).text
    assert ">\n\n&lt;b&gt;kept&lt;/b&gt;</textarea>" in page
    assert "&lt;/textarea&gt;&lt;script&gt;</textarea>" in page
    assert "<script" not in page


async def test_programs_are_told_by_a_problem(staff: House) -> None:
    answer = await staff.post("/admin/newsletters", ISSUE | {"title": ""}, headers=JSON)
    assert (answer.status, answer.headers["Content-Type"].split(";")[0]) == (400, "application/problem+json")


async def test_the_largest_issue_there_can_be_is_taken(staff: House) -> None:
    largest = "ж" * (512 * 1024)
    answer = await staff.post("/admin/newsletters", ISSUE | {"text_content": largest, "html_content": largest})
    assert answer.status == 303


async def test_a_body_beyond_any_issue_is_413(staff: House) -> None:
    answer = await staff.post("/admin/newsletters", ISSUE | {"junk": "x" * 7 * 1024 * 1024})
    assert answer.status == 413


async def test_every_form_has_a_key_of_its_own(staff: House) -> None:
    pages = [(await staff.get("/admin/newsletters")).text for _ in range(2)]
    assert _key(pages[0]) != _key(pages[1])
    assert "None yet." in pages[0]


async def test_among_several_newsletters_one_can_choose(staff: House) -> None:
    assert 'id="newsletter"' not in (await staff.get("/admin/newsletters")).text
    gardens = await staff.application.create_newsletter(origin(), "gardens", "Gardens")
    assert 'id="newsletter"' in (await staff.get("/admin/newsletters")).text
    assert (await staff.post("/admin/newsletters", ISSUE | {"newsletter": "gardens"})).status == 303
    assert [issue.newsletter for issue in await _issues(staff)] == [gardens.id]
    assert "Gardens, sending, 0 recipients" in (await staff.get("/admin/newsletters")).text


async def test_what_becomes_of_lost_answers_can_be_chosen(staff: House) -> None:
    await _confirmed(staff)
    assert (await staff.post("/admin/newsletters", ISSUE | {"uncertain": "hold"})).status == 303
    (issue,) = await _issues(staff)
    assert (await staff.application.show_issue(issue.id)).letter.uncertain is UncertainPolicy.HOLD
    refused = await staff.post("/admin/newsletters", ISSUE | {"uncertain": "perhaps", "idempotency_key": "other"})
    assert refused.status == 400
    assert "must be resend or hold" in refused.text


async def test_an_issue_s_page_adds_up(staff: House) -> None:
    await _confirmed(staff)
    await staff.post("/admin/newsletters", ISSUE | {"title": "<b>First</b>"})
    (issue,) = await _issues(staff)
    answer = await staff.get(f"/admin/newsletters/{issue.id}")
    assert answer.status == 200
    assert "&lt;b&gt;First&lt;/b&gt;" in answer.text
    assert '<tr data-hides><th scope="row">Pending</th><td data-words="pending">1</td><td>' in answer.text
    assert '<tr data-hides hidden><th scope="row">Sent</th>' in answer.text
    assert '<tr><th scope="row">In all</th><td data-words="total">1</td><td></td></tr>' in answer.text
    assert "Please report" not in answer.text


async def test_an_issue_without_readers_says_why(staff: House) -> None:
    await staff.post("/admin/newsletters", ISSUE)
    (issue,) = await _issues(staff)
    assert "nobody had confirmed" in (await staff.get(f"/admin/newsletters/{issue.id}")).text
    page = (await staff.get("/admin/newsletters")).text
    assert page.count("No confirmed reader who was not paused: nobody gets it") == 2


async def test_the_newest_issue_stands_before_the_form_and_says_to_refresh_while_it_is_sent(staff: House) -> None:
    assert "The newest:" not in (await staff.get("/admin/newsletters")).text
    for number in (1, 2):
        await staff.post("/admin/newsletters", ISSUE | {"title": f"No. {number}", "idempotency_key": f"key-{number}"})
    before_form = (await staff.get("/admin/newsletters")).text.partition('<form method="post" action="/admin/news')[0]
    assert "No. 2</a>, sending" in before_form
    assert "No. 1" not in before_form
    assert '<a href="/admin/newsletters">Refresh</a>' in before_form


async def test_an_issue_s_page_has_what_was_published(staff: House) -> None:
    await staff.post("/admin/newsletters", ISSUE | {"text_content": "Hello,\n<b>reader</b>"})
    (issue,) = await _issues(staff)
    page = (await staff.get(f"/admin/newsletters/{issue.id}")).text
    assert '<div class="text" dir="auto">Hello,\n&lt;b&gt;reader&lt;/b&gt;</div>' in page
    assert issue.published_at
    assert f'<bdi>Newsletter</bdi>, <time datetime="{issue.published_at.isoformat()}">' in page


async def test_an_issue_of_html_alone_says_so(staff: House) -> None:
    await staff.post("/admin/newsletters", ISSUE | {"text_content": ""})
    (issue,) = await _issues(staff)
    assert "HTML alone, without a text." in (await staff.get(f"/admin/newsletters/{issue.id}")).text


@pytest.mark.parametrize("id_", [str(new_id()), "nonsense", "00000000-0000-0000-0000-00000000000g"])
async def test_an_issue_that_is_not_there_is_404(staff: House, id_: str) -> None:
    assert (await staff.get(f"/admin/newsletters/{id_}")).status == 404
