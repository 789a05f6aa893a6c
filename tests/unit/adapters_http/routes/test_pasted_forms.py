"""The form for somebody else's site."""

import html
import re

import pytest

from adapters_http.form_texts import SUBSCRIBE_FORM
from tests.support.http import BASE_URL, House
from zero2prod.testing.builders import origin

PATH = "/admin/newsletters/default/form"
AREA = re.compile(r"<textarea[^>]*>\n?(.*?)</textarea>", re.DOTALL)


def copied(page: str) -> str:
    """What somebody copies."""
    (text,) = AREA.findall(page)
    return html.unescape(text)


async def test_the_form_is_shown_as_text_with_a_label(staff: House) -> None:
    page = (await staff.get(PATH)).text
    assert '<label for="html">' in page
    assert re.search(r'<textarea id="html"[^>]* readonly', page)
    assert page.count("<form") == 1, "the one that logs out"


async def test_it_works_from_anywhere(staff: House) -> None:
    form = copied((await staff.get(PATH)).text)
    assert f'<form method="post" action="{BASE_URL}/subscriptions" accept-charset="utf-8">' in form
    assert '<input type="hidden" name="newsletter" value="default">' in form
    assert 'name="name"' in form
    assert 'type="email"' in form
    assert SUBSCRIBE_FORM.words["consent"] in html.unescape(form)
    assert "shown" not in form
    assert "<script" not in form
    assert "\n\n" not in form


async def test_what_the_newsletter_asks_for_is_in_it(staff: House) -> None:
    await staff.application.edit_newsletter(
        origin(), "default", fields='city: text "Where <b> do you live?"', tags='music: "Music & more"'
    )
    form = copied((await staff.get(PATH)).text)
    assert 'name="field_city"' in form
    assert "Where &lt;b&gt; do you live?" in form
    assert "Music &amp; more" in form


async def test_its_markup_means_nothing_elsewhere(staff: House) -> None:
    fields = (
        'city: text required "City"\nsize: choice "Size" "S" "L"\nage: number "Age"\nborn: date "Born"\nok: yes_no "OK"'
    )
    await staff.application.edit_newsletter(origin(), "default", fields=fields, tags='music: "Music"')
    form = copied((await staff.get(PATH)).text)
    assert not re.search(r"<bdi|<div|<span| class=| id=| for=", form)
    assert form.count("<label>") == form.count("</label></p>") == 8
    assert 'name="field_city" required' in form
    assert form.count("(optional)") == 5


async def test_the_settings_lead_there(staff: House) -> None:
    assert f'href="{PATH}"' in (await staff.get("/admin/newsletters/default/settings")).text


@pytest.mark.parametrize("slug", ["unknown", "No-Slug", "%00"])
async def test_a_newsletter_that_is_none_is_404(staff: House, slug: str) -> None:
    assert (await staff.get(f"/admin/newsletters/{slug}/form")).status == 404


async def test_it_is_for_the_staff(house: House) -> None:
    assert (await house.get(PATH)).location == "/login"
