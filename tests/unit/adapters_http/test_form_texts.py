"""The words of a form, and the proof that they were those."""

import html

import attrs
import pytest

from adapters_http.form_texts import ASK_AGAIN_FORM, CONFIRM_FORM, SUBSCRIBE_FORM, UNSUBSCRIBE_FORM, FormText
from tests.support.http import House
from zero2prod.testing.builders import origin


async def test_the_subscribe_page_shows_the_words_that_the_hash_is_of(house: House) -> None:
    page = html.unescape((await house.get("/")).text)
    for words in SUBSCRIBE_FORM.words.values():
        assert words in page
    assert f'name="form" value="{SUBSCRIBE_FORM.version}"' in page


async def test_the_confirmation_page_does_as_well(house: House) -> None:
    await house.post("/subscriptions", {"name": "Ada", "email": "ada@example.com"})
    page = html.unescape((await house.get(f"/subscriptions/confirm?token={await house.confirmation_token()}")).text)
    for words in CONFIRM_FORM.words.values():
        assert words in page


@pytest.mark.parametrize("form", [SUBSCRIBE_FORM, CONFIRM_FORM, ASK_AGAIN_FORM, UNSUBSCRIBE_FORM])
def test_another_word_or_version_has_another_hash(form: FormText) -> None:
    others = [attrs.evolve(form, version="2"), attrs.evolve(form, words={**form.words, "button": "Go"})]
    assert len({form.hash, *(other.hash for other in others)}) == 3
    assert len(form.hash) == 64


def test_evidence_names_the_text_only_where_it_was_shown() -> None:
    shown = SUBSCRIBE_FORM.evidence(origin(), "form", SUBSCRIBE_FORM.version)
    pasted = SUBSCRIBE_FORM.evidence(origin(), "form", "")
    assert (shown.form_version, shown.form_hash) == (SUBSCRIBE_FORM.version, SUBSCRIBE_FORM.hash)
    assert (pasted.form_version, pasted.form_hash) == (None, None)
