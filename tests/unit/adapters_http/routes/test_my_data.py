"""The pages behind the link that was mailed: all that is kept of one e-mail address."""

import json

import attrs
import pytest

from adapters_http.form_texts import PREFERENCES_FORM
from tests.support.http import JSON, House
from tests.support.preferences import ADA, OTHER, a_day, add_reader, issue_path, mailed_path, reread
from zero2prod.testing.builders import KEYS, new_id
from zero2prod_core.domain.subscribers import Event, Status
from zero2prod_core.domain.tokens import Purpose, token_text

VERSION = {"form": PREFERENCES_FORM.version}
HERE = {"newsletter": "default", **VERSION}
ACTS = ("name", "pause", "unsubscribe", "data", "erase")


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


async def test_answers_and_topics_are_shown(house: House) -> None:
    reader = await add_reader(house)
    async with house.uow() as tx:
        await tx.subscribers.save_batch([attrs.evolve(reader, fields={"city": "<Ulm>"}, tags=("ai", "art"))])
    page = (await house.get(await mailed_path(house))).text
    assert "<dt>city</dt><dd><bdi>&lt;Ulm&gt;</bdi></dd>" in page
    assert "Topics: <bdi>ai, art</bdi>" in page


async def test_every_field_has_an_id_of_its_own(house: House) -> None:
    await add_reader(house)
    await add_reader(house, newsletter=OTHER)
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
    reader = await add_reader(house)
    answer = await house.post(f"{await mailed_path(house)}/unsubscribe", {"newsletter": newsletter})
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
        *[await house.post(f"{path}/{act}", {**HERE, "name": "A"}) for act in ("name", "data", "erase")],
    ]
    assert [answer.status for answer in answers] == [401] * 4
    assert await reread(house, reader) == reader


@pytest.mark.parametrize(
    ("token", "status"), [("", 400), ("cut", 400), (token_text(KEYS.newest, Purpose.MANAGE, new_id()), 401)]
)
async def test_a_link_that_does_not_open(house: House, token: str, status: int) -> None:
    path = f"/preferences/mine/{token}"
    answers = [await house.get(path), await house.get(f"{path}/erase")]
    answers += [await house.post(f"{path}/{act}", {**HERE, "name": "A", "resume": "yes"}) for act in ACTS]
    assert [answer.status for answer in answers] == [status] * 7
