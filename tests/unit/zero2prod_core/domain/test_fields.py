"""Fields of declared types, tags, and what readers answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zero2prod_core.domain.fields import (
    LONGEST_TEXT,
    Field,
    FieldType,
    Tag,
    fitting_tags,
    fitting_values,
    parse_answers,
    parse_tags,
    parse_values,
    shown_tags,
    shown_values,
)
from zero2prod_core.errors import FieldInvalid, FieldMissing, Refusal

CITY = Field.parse("city", "Your city")
SIZE = Field.parse("size", "Your size", "choice", choices=["S", "M, L"])
ASKED = (CITY, SIZE, Field("age", "Age", FieldType.NUMBER), Field("born", "Birthday", FieldType.DATE))
TAGS = (Tag.parse("music", "Music & more"), Tag.parse("art", "Art"))


class TestDeclaring:
    @pytest.mark.parametrize("name", ["a", "city", "shoe_size", "a" * 32, "x2_"])
    def test_names_fit_slots(self, name: str) -> None:
        assert Field.parse(name, "Words").path == f"fields.{name}"
        assert Tag.parse(name, "Words").name == name

    @pytest.mark.parametrize("name", ["", "City", "2nd", "_a", "a-b", "a b", "é", "a" * 33, "a\n", "a.b"])
    def test_other_names_are_refused(self, name: str) -> None:
        if name.strip() == name:
            with pytest.raises(FieldInvalid, match=r"^fields: the name '.*' must be a-z, 0-9 and _"):
                Field.parse(name, "Words")
            with pytest.raises(FieldInvalid, match=r"^tags: the name"):
                Tag.parse(name, "Words")
        else:
            assert Field.parse(name, "Words").name == name.strip()

    @pytest.mark.parametrize("label", ["", " ", "x" * 101, "a\nb", "a\0b", "a\u202eb", "\u200b", 'a "b"'])
    def test_labels_are_one_visible_line(self, label: str) -> None:
        with pytest.raises(Refusal, match=r"^fields: "):
            Field.parse("a", label)
        with pytest.raises(Refusal, match=r"^tags: "):
            Tag.parse("a", label)

    def test_a_type_is_one_of_five(self) -> None:
        with pytest.raises(FieldInvalid, match=r"'colour' is no type. Known are text, number, date, choice, yes_no\.$"):
            Field.parse("a", "A", "colour")

    @pytest.mark.parametrize(
        ("kind", "choices"),
        [("choice", []), ("choice", [str(n) for n in range(51)]), ("text", ["a"]), ("choice", ["a", "a "])],
    )
    def test_choices_are_a_choice_s_and_differ(self, kind: str, choices: list[str]) -> None:
        with pytest.raises(FieldInvalid, match=r"^fields: "):
            Field.parse("a", "A", kind, choices=choices)


class TestValues:
    @pytest.mark.parametrize(
        ("kind", "typed", "kept"),
        [
            (FieldType.TEXT, "  Köln \u00a0", "Köln"),
            (FieldType.TEXT, "<b>'; DROP TABLE--", "<b>'; DROP TABLE--"),
            (FieldType.TEXT, "x" * 500, "x" * 500),
            (FieldType.NUMBER, "007", "7"),
            (FieldType.NUMBER, "-0.50", "-0.5"),
            (FieldType.NUMBER, "+3.", "3"),
            (FieldType.NUMBER, "-0.0", "0"),
            (FieldType.NUMBER, "1000", "1000"),
            (FieldType.DATE, "2024-02-29", "2024-02-29"),
            (FieldType.YES_NO, "Yes", "yes"),
            (FieldType.YES_NO, "on", "yes"),
            (FieldType.YES_NO, "false", "no"),
        ],
    )
    def test_a_value_is_kept_in_one_form(self, kind: FieldType, typed: str, kept: str) -> None:
        assert parse_values([Field("a", "A", kind)], {"a": typed}) == {"a": kept}

    @pytest.mark.parametrize(
        ("kind", "typed"),
        [
            (FieldType.TEXT, "x" * 501),
            (FieldType.TEXT, "a\r\nBcc: b"),
            (FieldType.TEXT, "a\0"),
            (FieldType.TEXT, "a\u202e"),
            (FieldType.TEXT, "a\ud800"),
            (FieldType.TEXT, "\u200b"),
            (FieldType.NUMBER, "1,5"),
            (FieldType.NUMBER, "1e5"),
            (FieldType.NUMBER, "Infinity"),
            (FieldType.NUMBER, "٣"),
            (FieldType.NUMBER, "1" * 31),
            (FieldType.DATE, "2023-02-29"),
            (FieldType.DATE, "29.2.2024"),
            (FieldType.DATE, "20240229"),
            (FieldType.YES_NO, "maybe"),
        ],
    )
    def test_what_does_not_fit_its_type_is_refused(self, kind: FieldType, typed: str) -> None:
        with pytest.raises(FieldInvalid, match=r"^fields\.a: must") as refused:
            parse_values([Field("a", "The words", kind)], {"a": typed})
        assert (refused.value.fields["field"], refused.value.fields["label"]) == ("fields.a", "The words")

    def test_a_choice_is_one_of_its_own(self) -> None:
        assert parse_values([SIZE], {"size": "M, L"}) == {"size": "M, L"}
        with pytest.raises(FieldInvalid, match=r"^fields\.size: must be one of its choices\. Known are S, M, L\.$"):
            parse_values([SIZE], {"size": "s"})

    def test_an_empty_one_is_none(self) -> None:
        assert parse_values(ASKED, {"city": "  ", "age": "\t"}) == {}

    def test_a_required_one_must_be_there(self) -> None:
        for typed in ({}, {"city": " \u3000"}):
            with pytest.raises(FieldMissing, match=r"^fields\.city: missing"):
                parse_values([Field("city", "City", required=True)], typed)

    def test_a_field_that_nobody_asked_for_is_refused(self) -> None:
        with pytest.raises(
            FieldInvalid, match=r"^fields\.town: is no field of this newsletter\. Known are fields\.city"
        ):
            parse_values([CITY], {"town": "Köln"})
        with pytest.raises(FieldInvalid, match="It has none"):
            parse_values([], {"\x1b[31m" * 40: ""})

    @given(st.sampled_from(FieldType), st.text())
    def test_any_text_is_refused_or_kept_in_a_form_that_is_kept_as_it_is(self, kind: FieldType, typed: str) -> None:
        field = Field("a", "A", kind, choices=("b",))
        try:
            kept = field.parse_value(typed)
        except FieldInvalid:
            return
        assert field.parse_value(kept) == kept
        assert len(kept) <= LONGEST_TEXT
        assert len(kept.splitlines()) <= 1

    def test_what_was_answered_to_other_questions_stays_out_of_sight(self) -> None:
        kept = {"town": "Köln", "city": "Bern", "size": "XL", "age": "7"}
        assert shown_values([CITY, SIZE], kept) == [(CITY, "Bern"), (SIZE, "XL")]
        assert fitting_values([CITY, SIZE], kept) == {"city": "Bern"}
        assert fitting_values([Field("city", "City", required=True)], {"city": ""}) == {}


class TestTags:
    def test_tags_are_in_the_newsletters_order_each_once(self) -> None:
        assert parse_tags(TAGS, ["art", "music", "art"]) == ("music", "art")
        assert parse_tags(TAGS, []) == ()

    def test_one_that_there_is_not_is_refused(self) -> None:
        with pytest.raises(FieldInvalid, match=r"^tags: 'golf' is no tag of this newsletter\. Known are music, art\.$"):
            parse_tags(TAGS, ["art", "golf"])

    def test_those_of_earlier_days_are_left_out(self) -> None:
        assert fitting_tags(TAGS, ("golf", "art")) == ("art",)
        assert shown_tags(TAGS, ("art", "golf", "music")) == ["Music & more", "Art"]


def test_every_mistake_in_fields_and_tags_is_told_by_the_first() -> None:
    asked = [Field("city", "City", required=True), Field("age", "Age", FieldType.NUMBER)]
    with pytest.raises(FieldInvalid) as refused:
        parse_answers(asked, TAGS, {"town": "Ulm", "age": "old"}, ["golf"])
    told = [refused.value, *refused.value.also]
    assert [each.fields["field"] for each in told] == ["fields.town", "fields.city", "fields.age", "tags"]
    assert parse_answers(asked, TAGS, {"city": "Ulm"}, ["music"]) == ({"city": "Ulm"}, ("music",))
