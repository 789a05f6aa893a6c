"""A JSON body is taken whole or refused with every mistake in it."""

import attrs
import pytest

from adapters_http.json_bodies import Tags, Texts, structured
from adapters_http.refusals import FieldsRefused
from zero2prod_core.domain.newsletters import Slug
from zero2prod_core.errors import FieldInvalid


@attrs.frozen
class Body:
    newsletter: Slug
    note: str = ""
    fields: Texts = attrs.field(factory=dict)
    tags: Tags = ()


def errors(value: object) -> list[tuple[str, str]]:
    with pytest.raises(FieldsRefused) as caught:
        structured(value, Body)
    return [(refusal.fields["field"], refusal.fields["rule"]) for refusal in caught.value.refusals]


def test_what_fits_is_parsed() -> None:
    value = {"newsletter": "weekly", "note": "x", "fields": {"city": "Ulm"}, "tags": ["music"]}
    assert structured(value, Body) == Body(Slug("weekly"), "x", {"city": "Ulm"}, ("music",))


@pytest.mark.parametrize("value", [None, 1, "text", [], [{}]])
def test_a_body_is_an_object(value: object) -> None:
    assert errors(value) == [("body", "must be a JSON object")]


def test_every_mistake_is_told_at_once() -> None:
    value = {"note": 1, "fields": {"a": 1, "b": "x", "c": None}, "tags": "music", "utm": 1, "also": 2}
    assert errors(value) == [
        ("newsletter", "required"),
        ("note", "must be a text"),
        ("fields.a", "must be a text"),
        ("fields.c", "must be a text"),
        ("tags", "must be a JSON array of texts"),
        ("also", "is no field of a sign-up"),
        ("utm", "is no field of a sign-up"),
    ]


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({"newsletter": None}, "newsletter"),
        ({"newsletter": ""}, "newsletter"),
        ({"newsletter": "No Slug"}, "newsletter"),
        ({"newsletter": "x", "fields": []}, "fields"),
        ({"newsletter": "x", "tags": [1]}, "tags"),
        ({"newsletter": "x", "x" * 500: 1}, "x" * 100),
    ],
)
def test_a_mistake_names_its_field(value: object, field: str) -> None:
    assert [name for name, _ in errors(value)] == [field]


def error(number: int) -> dict[str, str]:
    return {"field": f"x{number}", "rule": "must be a text", "remedy": "Correct it and try again"}


@pytest.mark.parametrize(("mistakes", "more"), [(50, {}), (51, {"more": 1}), (1000, {"more": 950})])
def test_there_is_an_end_to_what_is_told(mistakes: int, more: dict[str, int]) -> None:
    refused = FieldsRefused([FieldInvalid(f"x{number}", "must be a text") for number in range(mistakes)])
    assert len(refused.refusals) == mistakes
    assert refused.members == {"errors": [error(number) for number in range(50)]} | more
    assert str(refused).count("must be a text") == 50
    assert ("There are " in str(refused)) == bool(more)
