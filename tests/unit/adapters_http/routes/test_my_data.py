"""The pages behind the link that was mailed: all that is kept of one e-mail address."""

import html
import json
import re

import attrs
import pytest

from adapters_http.form_texts import PREFERENCES_FORM
from tests.support.http import JSON, House
from tests.support.preferences import ADA, OTHER, a_day, add_reader, issue_path, mailed_path, reread
from zero2prod.testing.builders import KEYS, new_id, origin
from zero2prod_core.domain.subscribers import Event, Status, Subscriber
from zero2prod_core.domain.tokens import Purpose, token_text

VERSION = {"form": PREFERENCES_FORM.version}
HERE = {"newsletter": "default", **VERSION}
ACTS = ("name", "pause", "answers", "unsubscribe", "data", "erase")


async def test_the_page_shows_every_newsletter_of_the_email_address(house: House) -> None:
    await add_reader(house)
    await add_reader(house, "Grace", newsletter=OTHER)
    answer = await house.get(await mailed_path(house))
    assert answer.status == 200
    for words in (ADA, "<bdi>Newsletter</bdi>", "<bdi>The other</bdi>", 'value="Ada &lt;3"', 'value="Grace"'):
        assert words in answer.text
    assert "Unsubscribe from all" in answer.text
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"


async def add_answering_reader(house: House, newsletter: str = "") -> Subscriber:
    """Ada, who said where she lives and chose a topic, of two."""
    reader = await add_reader(house, newsletter=newsletter)
    questions = {"fields": 'city: text required "Your <city>"\nage: number "Age"', "tags": 'ai: AI\nart: "Art & craft"'}
    await house.application.edit_newsletter(origin(), newsletter or "default", **questions)
    reader = attrs.evolve(reader, fields={"city": "<Ulm>"}, tags=("art",))
    async with house.uow() as tx:
        await tx.subscribers.save_batch([reader])
    return reader


def shown_answers(page: str) -> list[str]:
    """Every value that stands in an input for an answer, and every tag that is ticked."""
    found = re.findall(r'name="field_\w+"[^>]* value="([^"]*)"|name="tag" type="checkbox" value="(\w+)" checked', page)
    return [html.unescape(answer or tag) for answer, tag in found]


async def test_answers_and_topics_stand_in_a_form(house: House) -> None:
    await add_answering_reader(house)
    page = (await house.get(await mailed_path(house))).text
    for words in ("<bdi>Your &lt;city&gt;</bdi>", "<bdi>Art &amp; craft</bdi>", "Save the answers"):
        assert words in page
    assert shown_answers(page) == ["<Ulm>", "", "art"]


async def test_a_newsletter_that_asks_for_nothing_has_no_such_form(house: House) -> None:
    await add_reader(house)
    assert "/answers" not in (await house.get(await mailed_path(house))).text


async def test_new_answers_are_those_of_one_newsletter(house: House) -> None:
    reader, other = await add_answering_reader(house), await add_answering_reader(house, OTHER)
    path = await mailed_path(house)
    sent = {**HERE, "field_city": "Graz", "field_age": "7", "field_gone": "x", "tag": "ai"}
    answer = await house.post(f"{path}/answers", sent)
    assert (answer.status, "Your answers are saved." in answer.text) == (200, True)
    assert shown_answers(answer.text) == ["Graz", "7", "ai", "<Ulm>", "", "art"]
    found = await reread(house, reader)
    assert (found.fields, found.tags) == ({"city": "Graz", "age": "7"}, ("ai",))
    assert await reread(house, other) == other


async def test_an_answer_can_be_taken_back(house: House) -> None:
    reader = await add_answering_reader(house)
    await house.application.edit_newsletter(origin(), "default", fields='city: text "City"')
    assert (await house.post(f"{await mailed_path(house)}/answers", {**HERE, "field_city": ""})).status == 200
    found = await reread(house, reader)
    assert (found.fields, found.tags) == ({}, ())


async def test_a_refused_answer_stands_where_it_was_typed(house: House) -> None:
    reader, other = await add_answering_reader(house), await add_answering_reader(house, OTHER)
    sent = {"newsletter": OTHER, "field_city": "Graz", "field_age": "old", "tag": "ai"}
    answer = await house.post(f"{await mailed_path(house)}/answers", sent)
    assert answer.status == 400
    assert re.findall(r'id="([\w-]+)"[^>]*aria-invalid="true"', answer.text) == ["field_age-other"]
    assert "“Age” must be a number. Write it like 12 or 3.5." in answer.text
    assert shown_answers(answer.text) == ["<Ulm>", "", "art", "Graz", "old", "ai"]
    assert answer.text.count('value="Ada &lt;3"') == 2
    assert [await reread(house, each) for each in (reader, other)] == [reader, other]


async def test_what_was_refused_elsewhere_leaves_the_answers_on_the_page(house: House) -> None:
    await add_answering_reader(house)
    answer = await house.post(f"{await mailed_path(house)}/name", {**HERE, "name": "<b>"})
    assert (answer.status, shown_answers(answer.text)) == (400, ["<Ulm>", "", "art"])


async def test_a_program_is_told_which_answer_is_wrong(house: House) -> None:
    await add_answering_reader(house)
    answer = await house.post(f"{await mailed_path(house)}/answers", HERE, JSON)
    assert (answer.status, json.loads(answer.body)["field"]) == (400, "fields.city")


async def test_every_field_has_an_id_of_its_own(house: House) -> None:
    await add_answering_reader(house)
    await add_answering_reader(house, OTHER)
    page = (await house.get(await mailed_path(house))).text
    ids = [part.split('"')[0] for part in page.split(' id="')[1:]]
    assert len(ids) == len(set(ids))


async def test_who_has_left_is_offered_neither_a_pause_nor_a_way_out(house: House) -> None:
    reader = await add_reader(house)
    async with house.uow() as tx:
        await tx.subscribers.save_batch([reader.on(Event.UNSUBSCRIBE)])
    page = (await house.get(await mailed_path(house))).text
    assert ("/pause" in page, "/unsubscribe" in page, "Unsubscribed." in page) == (False, False, True)


async def test_looking_changes_nothing(house: House) -> None:
    reader = await add_reader(house)
    path = await mailed_path(house)
    for method in ("GET", "HEAD"):
        for rest in ("", "/", *(f"/{act}" for act in ACTS)):
            await house.send(method, f"{path}{rest}")
    assert await reread(house, reader) == reader


async def test_a_new_name_is_that_of_one_newsletter(house: House) -> None:
    reader, other = await add_reader(house), await add_reader(house, newsletter=OTHER)
    path = await mailed_path(house)
    answer = await house.post(f"{path}/name", {**HERE, "name": "Grace"})
    assert (answer.status, "The name is changed." in answer.text, 'value="Grace"' in answer.text) == (200, True, True)
    assert [(await reread(house, each)).name.text for each in (reader, other)] == ["Grace", "Ada <3"]


async def test_a_refused_name_stands_where_it_was_typed(house: House) -> None:
    await add_reader(house)
    await add_reader(house, newsletter=OTHER)
    answer = await house.post(f"{await mailed_path(house)}/name", {"newsletter": OTHER, "name": "<b>"})
    assert (answer.status, answer.text.count('aria-invalid="true"')) == (400, 1)
    assert answer.text.count('value="&lt;b&gt;"') == 1
    assert answer.text.index("<bdi>The other</bdi>") < answer.text.index("aria-invalid")


async def test_a_pause_is_shown_and_can_be_ended(house: House) -> None:
    reader, day = await add_reader(house), a_day()
    path = await mailed_path(house)
    answer = await house.post(f"{path}/pause", {**HERE, "until": str(day)})
    assert (answer.status, f"Paused: no issues come until {day}." in answer.text) == (200, True)
    answer = await house.post(f"{path}/pause", {**HERE, "resume": "yes"})
    assert (answer.status, "Paused:" in answer.text) == (200, False)
    assert (await reread(house, reader)).paused_until is None


@pytest.mark.parametrize("accept", [{}, JSON])
async def test_a_day_that_is_refused(house: House, accept: dict[str, str]) -> None:
    await add_reader(house)
    answer = await house.post(f"{await mailed_path(house)}/pause", {**HERE, "until": str(a_day(-1))}, accept)
    assert answer.status == 400
    assert ("problem+json" in answer.headers["Content-Type"]) == bool(accept)


@pytest.mark.parametrize("all_", ["", "yes"])
async def test_unsubscribing(house: House, all_: str) -> None:
    reader, other = await add_reader(house), await add_reader(house, newsletter=OTHER)
    answer = await house.post(f"{await mailed_path(house)}/unsubscribe", {**HERE, "all": all_})
    assert (answer.status, "You get no more issues of" in answer.text) == (200, True)
    assert (await reread(house, reader)).status is Status.UNSUBSCRIBED
    assert (await reread(house, other)).status is (Status.UNSUBSCRIBED if all_ else Status.CONFIRMED)


@pytest.mark.parametrize("newsletter", ["", "Not a slug", "nowhere"])
async def test_what_is_no_newsletter_of_this_email_address_is_refused(house: House, newsletter: str) -> None:
    reader, path = await add_reader(house), await mailed_path(house)
    for act in ("unsubscribe", "answers"):
        answer = await house.post(f"{path}/{act}", {"newsletter": newsletter})
        assert (answer.status, await reread(house, reader)) == (400, reader)


async def test_the_download_is_a_file_of_json(house: House) -> None:
    await add_reader(house)
    answer = await house.post(f"{await mailed_path(house)}/data", {})
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json; charset=utf-8")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="my-data.json"'
    assert answer.headers["Cache-Control"] == "no-store"
    assert ADA in json.dumps(json.loads(answer.body))


async def test_erasing_asks_first(house: House) -> None:
    reader = await add_reader(house)
    path = await mailed_path(house)
    question = await house.get(f"{path}/erase")
    assert (question.status, f'<form method="post" action="{path}/erase">' in question.text) == (200, True)
    assert await reread(house, reader) == reader
    answer = await house.post(f"{path}/erase", {})
    assert (answer.status, "Everything is erased" in answer.text) == (200, True)
    async with house.uow.reading() as tx:
        assert not await tx.subscribers.exist()
    assert [(await house.get(path)).status, (await house.post(f"{path}/erase", {})).status] == [401, 401]


async def test_an_issues_link_opens_none_of_it(house: House) -> None:
    reader = await add_reader(house)
    path = issue_path(reader).replace("/preferences/", "/preferences/mine/")
    answers = [
        await house.get(path),
        *[await house.post(f"{path}/{act}", {**HERE, "name": "A"}) for act in ("name", "answers", "data", "erase")],
    ]
    assert [answer.status for answer in answers] == [401] * 5
    assert await reread(house, reader) == reader


@pytest.mark.parametrize(
    ("token", "status"), [("", 400), ("cut", 400), (token_text(KEYS.newest, Purpose.MANAGE, new_id()), 401)]
)
async def test_a_link_that_does_not_open(house: House, token: str, status: int) -> None:
    path = f"/preferences/mine/{token}"
    answers = [await house.get(path), await house.get(f"{path}/erase")]
    answers += [await house.post(f"{path}/{act}", {**HERE, "name": "A", "resume": "yes"}) for act in ACTS]
    assert [answer.status for answer in answers] == [status] * 8
