"""Fields and tags as a person writes them down."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zero2prod_core.domain.declarations import field_line, parse_fields, parse_tag_lines, tag_line
from zero2prod_core.domain.fields import NAME, Field, FieldType, Tag
from zero2prod_core.errors import FieldInvalid

LABELS = st.from_regex(
    r"[^\W_][^\x00-\x1f\x7f-\x9f\"“”\u2028\u2029\u202a-\u202e\u2066-\u2069]{0,40}[^\W_]", fullmatch=True
)
NAMES = st.from_regex(NAME, fullmatch=True)


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ('city: text "Your city"', Field("city", "Your city")),
        ('city: text, "Your city"', Field("city", "Your city")),
        ("  city :text “Your city”  ", Field("city", "Your city")),
        ('ok: yes/no required "Really, now?"', Field("ok", "Really, now?", FieldType.YES_NO, True)),
        ('size: choice, required, "Size", "S", "M, L"', Field("size", "Size", FieldType.CHOICE, True, ("S", "M, L"))),
        ('size: choice "Size" "S""L"', Field("size", "Size", FieldType.CHOICE, False, ("S", "L"))),
        ('a: "Words" number', Field("a", "Words", FieldType.NUMBER)),
    ],
)
def test_a_line_declares_a_field(line: str, field: Field) -> None:
    assert parse_fields(f"\n{line}\r\n\n") == (field,)
    assert parse_fields(field_line(field)) == (field,)


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("city", "has no name with a colon behind it"),
        ('city text "a:b"', "has no name with a colon behind it"),
        ("city:", "cannot be read"),
        ('city: "Your city"', "cannot be read"),
        ("city: text", "cannot be read"),
        ('city: text please "Your city"', "cannot be read"),
        ('city: text "Your city', "has a quotation mark that does not close"),
        ('City: text "Your city"', "the name 'City' must be a-z"),
        ('city: town "Your city"', "'town' is no type"),
        ('city: choice "Your city"', "a choice must have 1 to 50 choices"),
        ('city: text ""', "has empty words"),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_line(line: str, rule: str) -> None:
    with pytest.raises(FieldInvalid) as refused:
        parse_fields(f'a: text "A"\n\n{line}')
    assert refused.value.fields["field"] == "fields"
    assert refused.value.fields["rule"].startswith(f"line 3: {rule}")


@pytest.mark.parametrize("line", ["music: Music news", 'music: "Music news"', "music :“Music news” "])
def test_a_line_declares_a_tag(line: str) -> None:
    assert parse_tag_lines(line) == (Tag("music", "Music news"),)


@pytest.mark.parametrize("line", ["music", "Music: M", 'music: ""', 'music: a "b" c', "music: 'Music news'"])
def test_a_tag_that_cannot_be_read_is_refused_by_its_line(line: str) -> None:
    with pytest.raises(FieldInvalid, match=r"^tags: line 1: "):
        parse_tag_lines(line)


@given(NAMES, LABELS, st.booleans(), st.lists(LABELS, max_size=3, unique=True))
def test_whatever_is_declared_is_written_down_and_read_back(
    name: str, label: str, required: bool, choices: list[str]
) -> None:
    kind = FieldType.CHOICE if choices else FieldType.DATE
    field, tag = Field.parse(name, label, kind, required, choices), Tag.parse(name, label)
    assert parse_fields(field_line(field)) == (field,)
    assert parse_tag_lines(tag_line(tag)) == (tag,)
