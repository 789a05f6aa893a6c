r"""Slots: what is one, what it is filled with, and what is refused."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zero2prod_core.domain.issues import Content
from zero2prod_core.domain.slots import FILTERS, IN_TITLE, IN_WORDS, Slot, compiled, parse_slots
from zero2prod_core.errors import FieldInvalid

NAME = "subscriber.name"


def filled(source: str, **values: str) -> str:
    """The source with ``values``, in which ``_`` stands for the dot of a path."""
    known = {path.replace("_", "."): value for path, value in values.items()}
    pieces = parse_slots(source, "text", IN_WORDS)
    return "".join(piece if isinstance(piece, str) else piece.filled(known) for piece in pieces)


def test_literals_and_slots_take_turns() -> None:
    pieces = parse_slots("{{ subscriber.name }}{{unsubscribe.link}} bye", "text", IN_WORDS)
    assert pieces == ("", Slot(NAME), "", Slot("unsubscribe.link"), " bye")


@pytest.mark.parametrize(
    ("slot", "name", "shown"),
    [
        ("{{ subscriber.name }}", "Ada Lovelace", "Ada Lovelace"),
        ("{{subscriber.name|first_word}}", "Ada Lovelace", "Ada"),
        ("{{ subscriber.name | first_word }}", " ", ""),
        ('{{ subscriber.name | default: "there" }}', "Ada", "Ada"),
        ('{{ subscriber.name | default: "there" }}', " ", "there"),
        ('{{ subscriber.name | default: "}} | {{" | upper }}', "", "}} | {{"),
        ("{{ subscriber.name | upper }}", "Straße", "STRASSE"),
        ("{{ subscriber.name | lower }}", "ADA", "ada"),
        ("{{ subscriber.name | capitalize }}", "ada LOVELACE", "Ada LOVELACE"),
        ("{{ subscriber.name | truncate: 5 }}", "Ada L", "Ada L"),
        ("{{ subscriber.name | truncate: 5 }}", "Ada Lovelace", "Ada…"),
        ("{{ subscriber.name | truncate: 1 }}", "Ada", "…"),
        ('{{\n subscriber.name\n | first_word | default: "you" | upper\n}}', "", "YOU"),
    ],
)
def test_a_value_goes_through_its_filters_in_turn(slot: str, name: str, shown: str) -> None:
    assert filled(slot, subscriber_name=name) == shown


def test_every_filter_is_tried_above() -> None:
    assert set(FILTERS) == {"capitalize", "default", "first_word", "lower", "truncate", "upper"}


def test_what_a_value_holds_is_not_read_again() -> None:
    assert filled("{{ subscriber.name }}", subscriber_name="{{ unsubscribe.link }}") == "{{ unsubscribe.link }}"


def test_braces_that_begin_no_slot() -> None:
    assert filled(r"\{{ a }} { { b }} \{{ subscriber.name }} {c}") == "{{ a }} { { b }} {{ subscriber.name }} {c}"


REFUSED = [
    ("{{ nobody }}", "no slot that can be filled here"),
    ("{{ confirmation.link }}", "no slot that can be filled here"),
    ("{{}}", "no slot that can be filled here"),
    ("{{ subscriber.name", "does not end"),
    ("{{{ subscriber.name }}}", "does not end"),
    ('{{ subscriber.name | default: "a }}', "does not end"),
    ("{{ subscriber.name upper }}", "cannot be read"),
    ("{{ subscriber.name || upper }}", "cannot be read"),
    ("{{ subscriber.name | shout }}", "unknown filter 'shout'"),
    ('{{ subscriber.name | upper: "a" }}', "gives upper an argument"),
    ("{{ subscriber.name | default }}", "gives default no argument that it takes"),
    ("{{ subscriber.name | default: you }}", "gives default no argument that it takes"),
    ("{{ subscriber.name | truncate: long }}", "gives truncate no argument that it takes"),
    ("{{ subscriber.name | truncate: 0 }}", "truncates to 0 characters"),
]


@pytest.mark.parametrize(("source", "rule"), REFUSED)
def test_publishing_refuses_it_with_field_slot_rule_and_remedy(source: str, rule: str) -> None:
    for field, part in (("text_content", "text"), ("html_content", "html"), ("markdown_content", "markdown")):
        with pytest.raises(FieldInvalid) as refusal:
            Content.parse("News", **{part: f"Dear {source}"})
        assert refusal.value.fields["field"] == field
        assert rule in refusal.value.fields["rule"]
        assert source[:12] in refusal.value.fields["rule"]
        assert r"\{{" in refusal.value.fields["remedy"]


@pytest.mark.parametrize(("source", "_rule"), REFUSED)
def test_what_was_published_before_is_taken_as_it_stands(source: str, _rule: str) -> None:
    assert compiled(source, IN_WORDS) == (source,)


def test_a_title_knows_fewer_slots() -> None:
    assert Content.parse("Hi {{ subscriber.name | upper }}", "Words").title == "Hi {{ subscriber.name | upper }}"
    for path in sorted(IN_WORDS - IN_TITLE):
        with pytest.raises(FieldInvalid, match=r"^title: has"):
            Content.parse(f"Hi {{{{ {path} }}}}", "Words")


def test_a_slot_for_any_field_is_taken_by_its_shape() -> None:
    for words in ("{{ subscriber.fields.city }}", '{{subscriber.fields.shoe_size_2 | default: "?"}}'):
        assert Content.parse(words, words).title == words
    for wrong in (
        "subscriber.fields",
        "subscriber.fields.*",
        "subscriber.fields.City",
        "subscriber.fields.a.b",
        "subscriber.fields.2nd",
        f"subscriber.fields.{'a' * 33}",
    ):
        with pytest.raises(FieldInvalid, match=r"^title: has .*Known are newsletter\.name, subscriber\.fields\.\*"):
            Content.parse(f"{{{{ {wrong} }}}}", "Words")


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (Content("{{ subscriber.fields.town }}", "Words", None), "title"),
        (Content("News", "{{ subscriber.fields.town }}", None), "text_content"),
        (Content("News", None, "<p>{{&nbsp;subscriber.fields.town }}"), "html_content"),
        (Content("News", None, None, "*{{ subscriber.fields.town }}*"), "markdown_content"),
    ],
)
def test_in_the_end_only_fields_that_there_are_may_stand_there(content: Content, field: str) -> None:
    content.check_fields(["town", "age"])
    with pytest.raises(
        FieldInvalid, match=rf"^{field}: has .*fields\.town .*Known are .*subscriber\.fields\.city, subscriber\.name"
    ):
        content.check_fields(["city"])


def test_html_may_write_its_quotation_marks_as_references() -> None:
    html = "<p>{{ subscriber.name&nbsp;| default: &quot;you&quot; }}"
    assert Content.parse("News", html=html).html == html
    with pytest.raises(FieldInvalid, match="text_content"):
        Content.parse("News", html)


def test_a_long_slot_is_shown_shortened() -> None:
    with pytest.raises(FieldInvalid) as refusal:
        parse_slots("{{ " + "a" * 400 + " }}", "text", IN_WORDS)
    assert len(refusal.value.fields["rule"]) < 150


@given(st.text(st.sampled_from('{}|": \\ab.\n') | st.characters(exclude_categories=["Cs"])))
def test_any_text_is_parsed_or_refused(source: str) -> None:
    pieces = compiled(source, IN_WORDS)
    assert len(pieces) % 2 == 1
    assert all(isinstance(piece, str) for piece in pieces[::2])
    if "{{" not in source:
        assert pieces == (source,)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\\"))))
def test_escaped_braces_come_back(words: list[str]) -> None:
    text = "{{".join(words)
    assert compiled(re.sub(r"\{\{", r"\\{{", text), IN_WORDS) == (text,)
