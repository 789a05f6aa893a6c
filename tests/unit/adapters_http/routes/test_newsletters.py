"""A newsletter's settings."""

import pytest

from tests.support.http import JSON, House
from tests.support.outages import Outage
from zero2prod.testing.builders import origin
from zero2prod_core.domain.newsletters import Newsletter

PATH = "/admin/newsletters/default/settings"
SETTINGS = {
    "name": "The Garden",
    "sender": "ada@example.com",
    "reply_to": "grace@example.com",
    "postal_address": "1 Garden Lane\r\n12345 Greenville",
}


async def _default(house: House) -> Newsletter:
    return await house.application.find_newsletter("default")


async def test_what_is_saved_is_shown_again(staff: House) -> None:
    answer = await staff.post(PATH, SETTINGS)
    assert (answer.status, answer.location) == (303, PATH)
    page = (await staff.get(PATH)).text
    assert "<p><i>The settings have been saved.</i></p>" in page
    for words in ('value="The Garden"', 'value="ada@example.com"', 'value="grace@example.com"', "1 Garden Lane\n12345"):
        assert words in page
    found = await _default(staff)
    assert found.sender
    assert found.reply_to
    assert (found.name, found.sender.text, found.reply_to.text, found.postal_address) == (
        "The Garden",
        "ada@example.com",
        "grace@example.com",
        "1 Garden Lane\n12345 Greenville",
    )


async def test_an_empty_field_clears_and_an_absent_one_stays(staff: House) -> None:
    await staff.post(PATH, SETTINGS)
    await staff.post(PATH, {"name": "The Garden", "sender": " "})
    found = await _default(staff)
    assert found.sender is None
    assert found.reply_to
    assert found.postal_address


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": ""}, "Name is missing."),
        ({"name": "a\nb"}, "Name must be one line"),
        ({"sender": "nonsense"}, "Sender: this is no whole e-mail address. Write it as name@example.com."),
        ({"reply_to": "nonsense"}, "Replies go to: this is no whole e-mail address. Write it as name@example.com."),
        ({"postal_address": "x" * 501}, "Postal address must have at most 500 characters."),
        ({"fields": "city: text"}, "Further questions line 1: cannot be read. Write it like city: text"),
        ({"tags": "Art: Art"}, "Topics line 1: the name &#39;Art&#39; must be a-z"),
    ],
)
async def test_what_cannot_be_is_refused_and_kept_in_the_form(
    staff: House, changes: dict[str, str], sentence: str
) -> None:
    answer = await staff.post(PATH, SETTINGS | changes)
    assert answer.status == 400
    assert f'role="alert" id="refusal"><p>{sentence}' in answer.text
    assert answer.text.count('aria-invalid="true"') == 1
    assert 'value="grace@example.com"' in answer.text or "reply_to" in changes
    assert (await _default(staff)).name == "Newsletter"


async def test_what_readers_are_asked_for_is_written_in_lines(staff: House) -> None:
    lines = {"fields": 'city: text, “Where?”\r\n\r\nsize: choice required "Size" "S" "<L>"', "tags": "art: Art & more"}
    await staff.post(PATH, lines)
    page = (await staff.get(PATH)).text
    for words in (
        "city: text &#34;Where?&#34;\nsize: choice required &#34;Size&#34; &#34;S&#34; &#34;&lt;L&gt;&#34;</textarea>",
        "art: &#34;Art &amp; more&#34;</textarea>",
        "<code>{{ subscriber.fields.city }}</code>",
    ):
        assert words in page
    found = await _default(staff)
    assert [field.name for field in found.fields] == ["city", "size"]
    assert [tag.label for tag in found.tags] == ["Art & more"]
    await staff.post(PATH, {"name": "Still"})
    assert (await _default(staff)).fields == found.fields
    await staff.post(PATH, {"fields": "", "tags": " "})
    assert ((await _default(staff)).fields, (await _default(staff)).tags) == ((), ())


async def test_many_long_questions_fit_into_the_form(staff: House) -> None:
    lines = [
        f'f{number}: choice "{"x" * 100}" ' + " ".join(f'"{each:010}"' for each in range(50)) for number in range(20)
    ]
    assert (await staff.post(PATH, {"fields": "\n".join(lines)})).status == 303
    assert len((await _default(staff)).fields) == 20


async def test_programs_are_told_by_a_problem(staff: House) -> None:
    answer = await staff.post(PATH, SETTINGS | {"sender": "nonsense"}, headers=JSON)
    assert (answer.status, '"field": "sender"' in answer.text) == (400, True)


@pytest.mark.parametrize("slug", ["unknown", "No%20Slug", "a--b", "x" * 200])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_what_is_no_newsletter_is_a_404(staff: House, method: str, slug: str) -> None:
    answer = await staff.send(method, f"/admin/newsletters/{slug}/settings")
    assert answer.status == 404
    assert "Back to the issues" in answer.text


async def test_nobody_else_may(house: House) -> None:
    for answer in (await house.get(PATH), await house.post(PATH, SETTINGS)):
        assert (answer.status, answer.location) == (303, "/login")
    assert (await _default(house)).name == "Newsletter"


async def test_another_site_may_not_either(staff: House) -> None:
    answer = await staff.post(PATH, SETTINGS, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status == 403
    assert (await _default(staff)).name == "Newsletter"


async def test_a_missing_postal_address_is_told_where_issues_are_published(staff: House) -> None:
    page = (await staff.get("/admin/newsletters")).text
    assert "<bdi>Newsletter</bdi> has no postal address yet" in page
    assert f'href="{PATH}"' in page
    await staff.post(PATH, SETTINGS)
    page = (await staff.get("/admin/newsletters")).text
    assert "has no postal address yet" not in page
    assert f'href="{PATH}"' in page


async def test_among_several_newsletters_the_note_says_whose_issues_it_is_about(staff: House) -> None:
    await staff.post(PATH, SETTINGS)
    await staff.application.create_newsletter(origin(), "weekly", "The Weekly")
    page = (await staff.get("/admin/newsletters")).text
    assert "For issues of <bdi>The Weekly</bdi>: it has no postal address yet" in page
    assert "For issues of <bdi>The Garden</bdi>" not in page


async def test_without_the_store_nothing_is_saved(staff: House) -> None:
    staff.uow.outage = Outage.AWAY
    assert (await staff.post(PATH, SETTINGS)).status == 503
