"""The page that an issue's link opens, and asking for the link that opens more."""

import html

import pytest

from adapters_http.form_texts import PREFERENCES_FORM
from tests.support.http import JSON, House
from tests.support.preferences import ADA, OTHER, a_day, add_reader, issue_path, reread
from zero2prod.testing.builders import KEYS, new_id
from zero2prod_core.domain.consent import Consent
from zero2prod_core.domain.subscribers import Status, Subscriber
from zero2prod_core.domain.tokens import Purpose, token_text

VERSION = {"form": PREFERENCES_FORM.version}
ACTS = ("name", "pause", "unsubscribe", "link")


async def consents(house: House, reader: Subscriber) -> list[Consent]:
    async with house.uow.reading() as tx:
        return list(await tx.consent.of([reader.id]))


async def waiting(house: House) -> int:
    return await house.application.deliveries.count_unfinished()


async def test_the_page_names_the_newsletter_and_nobody(house: House) -> None:
    reader = await add_reader(house, "Very Personal")
    await add_reader(house, newsletter=OTHER)
    answer = await house.get(issue_path(reader))
    assert (answer.status, "Preferences for <bdi>Newsletter</bdi>" in answer.text) == (200, True)
    for personal in (ADA, "Very Personal", "The other"):
        assert personal not in answer.text
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"


async def test_the_page_shows_the_words_that_the_hash_is_of(house: House) -> None:
    page = html.unescape((await house.get(issue_path(await add_reader(house)))).text)
    for words in PREFERENCES_FORM.words.values():
        assert words in page
    assert f'name="form" value="{PREFERENCES_FORM.version}"' in page


async def test_looking_changes_nothing(house: House) -> None:
    reader = await add_reader(house)
    for method in ("GET", "HEAD"):
        for path in ("", "/", *(f"/{act}" for act in ACTS)):
            await house.send(method, f"{issue_path(reader)}{path}")
    assert (await reread(house, reader), await waiting(house)) == (reader, 0)


@pytest.mark.parametrize("act", ACTS)
async def test_a_get_of_what_acts_is_refused(house: House, act: str) -> None:
    answer = await house.get(f"{issue_path(await add_reader(house))}/{act}")
    assert (answer.status, answer.headers["Allow"]) == (405, "POST")


async def test_a_new_name(house: House) -> None:
    reader = await add_reader(house)
    answer = await house.post(f"{issue_path(reader)}/name", {"name": "Grace", **VERSION})
    assert (answer.status, "The name is changed." in answer.text) == (200, True)
    assert (await reread(house, reader)).name.text == "Grace"
    assert "Grace" not in answer.text


async def test_a_name_that_is_refused_is_shown_again_with_the_reason(house: House) -> None:
    reader = await add_reader(house)
    answer = await house.post(f"{issue_path(reader)}/name", {"name": "<b>"})
    assert answer.status == 400
    assert 'value="&lt;b&gt;"' in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert await reread(house, reader) == reader


async def test_a_pause_and_its_end(house: House) -> None:
    reader, day = await add_reader(house), a_day()
    answer = await house.post(f"{issue_path(reader)}/pause", {"until": str(day), **VERSION})
    assert (answer.status, f"No issues come until {day}." in answer.text) == (200, True)
    paused_until = (await reread(house, reader)).paused_until
    assert paused_until
    assert paused_until.date() == day
    answer = await house.post(f"{issue_path(reader)}/pause", {"resume": "yes", **VERSION})
    assert (answer.status, (await reread(house, reader)).paused_until) == (200, None)


@pytest.mark.parametrize(
    ("until", "words"), [("", "is missing"), ("soon", "must be a day"), (str(a_day(400)), "a year away")]
)
async def test_a_day_that_is_refused(house: House, until: str, words: str) -> None:
    reader = await add_reader(house)
    answer = await house.post(f"{issue_path(reader)}/pause", {"until": until})
    assert (answer.status, words in answer.text, "No issues until" in answer.text) == (400, True, True)
    assert await reread(house, reader) == reader


@pytest.mark.parametrize("fields", [{"name": ""}, {"until": "soon"}])
async def test_a_program_gets_problem_details(house: House, fields: dict[str, str]) -> None:
    act = "name" if "name" in fields else "pause"
    answer = await house.post(f"{issue_path(await add_reader(house))}/{act}", fields, JSON)
    assert (answer.status, answer.headers["Content-Type"]) == (400, "application/problem+json; charset=utf-8")


async def test_unsubscribing_from_this_newsletter(house: House) -> None:
    reader, other = await add_reader(house), await add_reader(house, newsletter=OTHER)
    answer = await house.post(f"{issue_path(reader)}/unsubscribe", VERSION)
    assert (answer.status, "You are unsubscribed" in answer.text) == (200, True)
    assert [(await reread(house, each)).status for each in (reader, other)] == [Status.UNSUBSCRIBED, Status.CONFIRMED]
    (record,) = await consents(house, reader)
    assert (record.evidence.source, record.evidence.form_hash) == ("mail", PREFERENCES_FORM.hash)


async def test_unsubscribing_from_all(house: House) -> None:
    reader, other = await add_reader(house), await add_reader(house, newsletter=OTHER)
    answer = await house.post(f"{issue_path(reader)}/unsubscribe", {"all": "yes", **VERSION})
    assert (answer.status, "nor of any other newsletter" in answer.text) == (200, True)
    assert {(await reread(house, each)).status for each in (reader, other)} == {Status.UNSUBSCRIBED}


async def test_another_link_can_be_mailed(house: House) -> None:
    reader = await add_reader(house)
    answer = await house.post(f"{issue_path(reader)}/link", VERSION)
    assert (answer.status, "Look for a link in your mailbox" in answer.text, "2 hours" in answer.text) == (
        200,
        True,
        True,
    )
    assert "is known" not in answer.text
    assert (ADA in answer.text, await waiting(house)) == (False, 1)


async def test_the_question_for_the_email_address(house: House) -> None:
    answer = await house.get("/preferences")
    assert (answer.status, 'name="email"' in answer.text) == (200, True)


async def test_whoever_asks_is_not_told_what_is_known(house: House) -> None:
    await add_reader(house)
    known = await house.post("/preferences", {"email": ADA})
    unknown = await house.post("/preferences", {"email": "nobody@example.com"})
    again = await house.post("/preferences", {"email": ADA})
    assert known.status == unknown.status == again.status == 200
    assert known.body == unknown.body == again.body
    assert await waiting(house) == 1


async def test_who_asks_too_often_is_told_when_to_come_back(house: House) -> None:
    answers = [await house.post("/preferences", {"email": f"{number}@example.com"}) for number in range(21)]
    assert {answer.status for answer in answers[:-1]} == {200}
    assert (answers[-1].status, int(answers[-1].headers["Retry-After"]) > 0) == (429, True)


async def test_what_is_no_email_address_is_refused(house: House) -> None:
    answer = await house.post("/preferences", {"email": "ada@"})
    assert (answer.status, 'value="ada@"' in answer.text) == (400, True)
    assert (await house.post("/preferences", {}, JSON)).status == 400


@pytest.mark.parametrize(
    ("token", "status"),
    [
        ("", 400),
        ("mine", 400),
        ("cut-off", 400),
        (token_text(KEYS.newest, Purpose.PREFERENCES, new_id()), 401),
        (token_text(KEYS.newest, Purpose.UNSUBSCRIBE, new_id()), 401),
    ],
)
async def test_a_link_that_does_not_open(house: House, token: str, status: int) -> None:
    answers = [await house.get(f"/preferences/{token}")]
    answers += [await house.post(f"/preferences/{token}/{act}", {"name": "A", "resume": "yes"}) for act in ACTS]
    assert [answer.status for answer in answers] == [status] * 5
    if status == 401:
        assert 'href="/preferences">Have a new link mailed to you</a>' in answers[0].text


async def test_other_sites_may_post_and_get_no_cookie(house: House) -> None:
    reader = await add_reader(house)
    headers = {"Origin": "https://webmail.example", "Sec-Fetch-Site": "cross-site"}
    answer = await house.post(f"{issue_path(reader)}/unsubscribe", VERSION, headers)
    assert (answer.status, "Set-Cookie" in answer.headers) == (200, False)


async def test_the_ways_to_the_question(house: House) -> None:
    reader = await add_reader(house)
    token = token_text(KEYS.newest, Purpose.UNSUBSCRIBE, reader.id)
    for path in ("/", f"/unsubscribe/{token}"):
        assert 'href="/preferences"' in (await house.get(path)).text
