"""Texts with slots."""

import html
from collections.abc import Collection

import pytest

from adapters_email.placeholders import Placeholders
from adapters_email.slots import Place, Text, packaged
from zero2prod_core.domain.letters import LetterKind
from zero2prod_core.domain.slots import Slot, parse_slots
from zero2prod_core.errors import Defect

PATHS: Collection[str] = ("a", "b", "b.c", "unsubscribe.link")


def text(source: str) -> Text:
    return Text.of(parse_slots(source, "text", PATHS))


def test_values_go_where_the_slots_are() -> None:
    assert text("{{ a }} and {{b.c}}!").fill({"a": "1", "b.c": "2", "d": "3"}) == "1 and 2!"


def test_values_are_encoded_for_their_place_and_never_read_again() -> None:
    given = text("<p>{{ a }}</p>")
    assert given.fill({"a": '<b> & "{{ a }}"'}, html.escape) == "<p>&lt;b&gt; &amp; &quot;{{ a }}&quot;</p>"


def test_within_a_link_they_are_percent_encoded() -> None:
    place = Place(Slot("a"), in_link=True)
    assert place.filled({"a": "a@b.org/?&ü"}, html.escape) == "a@b.org%2F%3F%26%C3%BC"


def test_a_slot_without_a_value_is_a_defect() -> None:
    with pytest.raises(Defect, match=r"b\.c"):
        text("{{ b.c }}").fill({})


def test_some_slots_can_be_filled_before_the_others() -> None:
    given = text("{{ a }} and {{ b }}, {{ a }}").given({"a": "{{ b }} &"}, html.escape)
    assert given.literals[0] == "{{ b }} &amp; and "
    assert given.fill({"b": "2"}) == "{{ b }} &amp; and 2, {{ b }} &amp;"
    assert list(given.filled({"b": "2"})) == ["2"]


def test_one_text_follows_another() -> None:
    given = Text.literal("{{ a }}").followed_by(text("-{{ a }}-")).followed_by(Text.literal("."))
    assert given.fill({"a": "1"}) == "{{ a }}-1-."


def test_literal_words_keep_their_braces() -> None:
    given = Text.literal("{{ a }}")
    assert given.is_literal
    assert given.fill({"a": "1"}) == "{{ a }}"


@pytest.mark.parametrize(("source", "filled"), [(" a \n", "a"), ("\n{{ a }} b\n", "1 b"), ("a {{ a }}\n", "a 1")])
def test_white_space_at_the_ends_is_left_out(source: str, filled: str) -> None:
    assert text(source).stripped().fill({"a": "1"}) == filled


def test_a_kind_of_letter_without_a_template_is_a_defect() -> None:
    with pytest.raises(Defect, match="issue"):
        packaged(LetterKind.ISSUE, "subject.txt")


def test_placeholders_are_found_again_in_whatever_order() -> None:
    source = text("{{ a }}|{{ unsubscribe.link }}|{{ b | upper }}")
    placeholders = Placeholders.unlike(*source.literals)
    first, second, third = placeholders.put(source).split("|")
    found = placeholders.found_in(f"{third}, https://{first}.invalid/, {second}, {first}")
    values = {"a": "1", "b": "b", "unsubscribe.link": "https://u.org/"}
    assert found.fill(values) == "B, https://1.invalid/, https://u.org/, 1"
    assert placeholders.put(source) != placeholders.put(source)
