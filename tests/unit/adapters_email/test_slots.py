"""Texts with slots."""

import html

import pytest

from adapters_email.slots import Text, packaged
from zero2prod_core.domain.letters import LetterKind
from zero2prod_core.errors import Defect


def test_values_go_where_the_slots_are() -> None:
    text = Text.parse("{{ a }} and {{b.c}}!")
    assert text.fill({"a": "1", "b.c": "2", "d": "3"}) == "1 and 2!"


def test_values_are_encoded_for_their_place_and_never_read_again() -> None:
    text = Text.parse("<p>{{ a }}</p>")
    assert text.fill({"a": '<b> & "{{ a }}"'}, html.escape) == "<p>&lt;b&gt; &amp; &quot;{{ a }}&quot;</p>"


def test_a_slot_without_a_value_is_a_defect() -> None:
    with pytest.raises(Defect, match=r"confirmation\.link"):
        Text.parse("{{ confirmation.link }}").fill({})


def test_some_slots_can_be_filled_before_the_others() -> None:
    text = Text.parse("{{ a }} and {{ b }}, {{ a }}").given({"a": "{{ b }} &"}, html.escape)
    assert text.opening == "{{ b }} &amp; and "
    assert text.fill({"b": "2"}) == "{{ b }} &amp; and 2, {{ b }} &amp;"
    assert text.fill_after_opening({"b": "2"}) == "2, {{ b }} &amp;"


def test_one_text_follows_another() -> None:
    text = Text.literal("{{ a }}").followed_by(Text.parse("-{{ a }}-")).followed_by(Text.literal("."))
    assert text.fill({"a": "1"}) == "{{ a }}-1-."


def test_literal_words_keep_their_braces() -> None:
    text = Text.literal("{{ a }}")
    assert text.is_literal
    assert text.fill({"a": "1"}) == "{{ a }}"


@pytest.mark.parametrize(("source", "filled"), [(" a \n", "a"), ("\n{{ a }} b\n", "1 b"), ("a {{ a }}\n", "a 1")])
def test_white_space_at_the_ends_is_left_out(source: str, filled: str) -> None:
    assert Text.parse(source).stripped().fill({"a": "1"}) == filled


def test_a_kind_of_letter_without_a_template_is_a_defect() -> None:
    with pytest.raises(Defect, match="issue"):
        packaged(LetterKind.ISSUE, "subject.txt")
