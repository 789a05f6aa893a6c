"""A newsletter's own fields and tags on forms: the inputs, and what is read from them."""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

import jinja2
import pytest

from adapters_http.assets import asset
from adapters_http.field_forms import chosen_tags, typed_fields
from adapters_http.forms import Form
from adapters_http.pages import TEMPLATES
from adapters_http.wording import LABELS, in_words
from zero2prod.testing.builders import newsletter
from zero2prod_core.domain.fields import Field, FieldType, Tag
from zero2prod_core.errors import FieldInvalid, FieldMissing, Refusal

ASKING = newsletter(
    fields=(
        Field("city", "Where <b>do</b> you live?", required=True),
        Field("age", "Your age", FieldType.NUMBER),
        Field("born", "Your birthday", FieldType.DATE),
        Field("size", "Your size", FieldType.CHOICE, choices=("S", "M & L")),
        Field("ok", "Do you cook?", FieldType.YES_NO),
    ),
    tags=(Tag("music", "Music & more"), Tag("art", "Art")),
)
ANSWERS = {
    "field_city": '"Köln"',
    "field_age": "7",
    "field_born": "2001-02-03",
    "field_size": "M & L",
    "field_ok": "no",
}

WORDS = """{% from "field_inputs.html" import field_inputs %}{{ field_inputs(newsletter, form, refusal) }}"""


def form(fields: Mapping[str, str] | Sequence[tuple[str, str]] = ()) -> Form:
    return Form.parse(urlencode(fields).encode())


def page(typed: Form, refusal: Refusal | None = None) -> str:
    loader = jinja2.FileSystemLoader(TEMPLATES)
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals.update(asset=asset, labels=LABELS)
    return environment.from_string(WORDS).render(newsletter=ASKING, form=typed, refusal=refusal)


def test_every_input_has_its_label_and_its_type() -> None:
    shown = page(form())
    for field in ASKING.fields:
        (element,) = re.findall(rf'<(?:input|select) id="field_{field.name}" name="field_{field.name}"[^>]*>', shown)
        assert f'<label for="field_{field.name}">' in shown
        assert ("required" in element) is field.required
    assert "Where &lt;b&gt;do&lt;/b&gt; you live?" in shown
    assert shown.count("(optional)") == 5
    assert re.findall(r' type="(\w+)"', shown) == ["text", "number", "date", "checkbox", "checkbox"]
    assert re.findall(r'<option value="([^"]*)">', shown) == ["", "S", "M &amp; L", "", "yes", "no"]
    assert "checked" not in shown


def test_what_was_typed_stands_there_again() -> None:
    shown = page(form([*ANSWERS.items(), ("tag", "art")]))
    for value in ("&#34;Köln&#34;", "7", "2001-02-03"):
        assert f'value="{value}"' in shown
    assert re.findall(r'value="([^"]*)" selected', shown) == ["M &amp; L", "no"]
    assert re.findall(r'value="(\w+)" checked', shown) == ["art"]


def test_the_field_that_is_wrong_is_marked() -> None:
    shown = page(form(), FieldMissing("fields.city"))
    assert re.findall(r'id="(\w+)"[^>]*aria-invalid="true" autofocus', shown) == ["field_city"]


def test_a_newsletter_that_asks_for_nothing_has_no_inputs() -> None:
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True)
    environment.globals.update(labels=LABELS)
    assert not environment.from_string(WORDS).render(newsletter=newsletter(), form=form(), refusal=None).strip()


def test_answers_are_read_by_the_names_of_the_fields() -> None:
    typed = form({**ANSWERS, "field_town": "x", "name": "Ada"})
    assert typed_fields(typed, ASKING) == {name.removeprefix("field_"): value for name, value in ANSWERS.items()}
    assert typed_fields(form({"field_age": ""}), ASKING) == {"age": ""}
    assert typed_fields(form(), ASKING) == {}


def test_tags_that_there_are_not_are_passed_over() -> None:
    assert chosen_tags(form([("tag", "art"), ("tag", "golf"), ("tag", "music"), ("tag", "art")]), ASKING) == (
        "music",
        "art",
    )
    assert chosen_tags(form(), ASKING) == ()


@pytest.mark.parametrize("body", [b"field_city=a&field_city=b", b"field_city=%ff", b"field_city=a%00"])
def test_what_no_text_is_is_refused_under_the_field_s_name(body: bytes) -> None:
    with pytest.raises(FieldInvalid, match=r"^fields\.city: must") as refused:
        typed_fields(Form.parse(body), ASKING)
    assert in_words(refused.value).startswith("“Where <b>do</b> you live?” must ")


def test_whoever_reads_a_page_is_told_the_label() -> None:
    with pytest.raises(FieldMissing) as refused:
        ASKING.fields[0].parse_value("")
    assert in_words(refused.value) == "“Where <b>do</b> you live?” is missing. Fill it in and try again."
