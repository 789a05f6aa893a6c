import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zero2prod_core.domain.subscriber_names import SubscriberName
from zero2prod_core.domain.visibility import SPACES
from zero2prod_core.errors import FieldInvalid, FieldMissing


@pytest.mark.parametrize(
    "name",
    [
        "Ursula Le Guin",
        "Maria Castillo",
        "Robert'; DROP TABLE students;--",
        "O’Brien-Smith, Jr. & Söhne",
        "=SUM[A1]",
        "李小龍",
        "عبد\u200cالله",
        "नरेन्द्र",
        "👩🏽‍🚀",
        "e\u0301",
    ],
)
def test_names_are_kept_as_typed(name: str) -> None:
    assert SubscriberName.parse(name).text == name


@pytest.mark.parametrize("space", list(SPACES))
def test_spaces_around_a_name_are_trimmed(space: str) -> None:
    assert SubscriberName.parse(f"{space}Ann Lee{space}{space}").text == "Ann Lee"


@pytest.mark.parametrize("raw", ["", " ", "\t\r\n", "\u3000\u00a0"])
def test_white_space_alone_is_missing(raw: str) -> None:
    with pytest.raises(FieldMissing, match=r"^name: missing"):
        SubscriberName.parse(raw)


@pytest.mark.parametrize("sign", list('/()"<>\\{}'))
def test_signs_of_markup_are_refused(sign: str) -> None:
    with pytest.raises(FieldInvalid, match="must have none of") as refused:
        SubscriberName.parse(f"Ann{sign}Lee", "first_name")
    assert refused.value.fields["field"] == "first_name"


@pytest.mark.parametrize("place", ["{}Ann", "An{}n", "Ann{}"])
@pytest.mark.parametrize(
    "character", ["\x00", "\n", "\r", "\t", "\x1b", "\x7f", "\u0085", "\u2028", "\u2029", chr(0xD800), chr(0xDFFF)]
)
def test_control_characters_and_line_breaks_are_refused_anywhere(character: str, place: str) -> None:
    with pytest.raises(FieldInvalid, match="one line"):
        SubscriberName.parse(place.format(character))


@pytest.mark.parametrize("character", [*map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A))])
def test_direction_overrides_are_refused(character: str) -> None:
    with pytest.raises(FieldInvalid, match="writing direction"):
        SubscriberName.parse(f"Ann{character}Lee")


@pytest.mark.parametrize("letter", ["a", "ё", "李", "e\u0301\u0323", "👍🏽", "❤\ufe0f", "नि", "ا\u200d", "\U0001d400"])
def test_256_visible_characters_are_the_most(letter: str) -> None:
    assert SubscriberName.parse(letter * 256).text == letter * 256
    with pytest.raises(FieldInvalid, match="256 visible"):
        SubscriberName.parse(letter * 257)


def test_marks_cannot_be_heaped_up() -> None:
    assert len(SubscriberName.parse("a" + "\u0301" * 1023).text) == 1024
    with pytest.raises(FieldInvalid, match="256 visible"):
        SubscriberName.parse("a" + "\u0301" * 1024)


@pytest.mark.parametrize(
    "raw", ["\u200d", "\u200b\u200b", "\u0301", "\ufe0f", "\u3164", "\u2800 \u2800", "🏽", "\ufeff"]
)
def test_a_name_shows_something(raw: str) -> None:
    with pytest.raises(FieldInvalid, match="at least one visible"):
        SubscriberName.parse(raw)


@given(st.text())
def test_every_text_is_a_clean_name_or_refused(raw: str) -> None:
    try:
        text = SubscriberName.parse(raw).text
    except (FieldMissing, FieldInvalid):
        return
    assert text in raw
    assert text == text.strip()
    assert not any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in text)
    assert SubscriberName.parse(text).text == text
