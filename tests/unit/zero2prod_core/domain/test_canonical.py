import json
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zero2prod_core.domain.canonical import LARGEST_INTEGER, Json, canonical_json
from zero2prod_core.errors import Defect

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SCALARS = st.none() | st.booleans() | st.integers(-LARGEST_INTEGER, LARGEST_INTEGER) | TEXTS
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        ([], "[]"),
        ({}, "{}"),
        ((1, -2, 0), "[1,-2,0]"),
        ({"b": [1, {"z": "", "y": None}], "a": False}, '{"a":false,"b":[1,{"y":null,"z":""}]}'),
        ('\b\t\n\f\r"\\/', r'"\b\t\n\f\r\"\\/"'),
        ("\x00\x1f\x7f", '"\\u0000\\u001f\x7f"'),
        ("€ é \u2028 😂", '"€ é \u2028 😂"'),
        (LARGEST_INTEGER, "9007199254740991"),
    ],
)
def test_values_have_one_spelling(value: Json, text: str) -> None:
    assert canonical_json(value) == text


def test_keys_stand_in_the_order_of_utf_16() -> None:
    """U+1F600 is D83D DE00 there, and so comes before U+FB33, although its number is greater (RFC 8785 §3.2.3)."""
    value = {"\ufb33": 1, "😀": 2, "€": 3, "ö": 4, "\x80": 5, "1": 6, "\r": 7}
    assert list(json.loads(canonical_json(value))) == ["\r", "1", "\x80", "ö", "€", "😀", "\ufb33"]


@given(VALUES)
def test_readers_get_the_value_back(value: Json) -> None:
    assert json.loads(canonical_json(value)) == value


@given(st.dictionaries(TEXTS, SCALARS))
def test_the_order_of_insertion_does_not_show(value: dict[str, Json]) -> None:
    turned = dict(reversed(value.items()))
    assert canonical_json(value) == canonical_json(turned)


@pytest.mark.parametrize(
    "value",
    [1.5, 1.0, float("nan"), LARGEST_INTEGER + 1, -LARGEST_INTEGER - 1, b"x", {1}, "\ud800", {"\udfff": 1}, {1: 2}],
)
def test_what_has_no_canonical_form_is_a_defect(value: object) -> None:
    with pytest.raises(Defect, match="canonical JSON"):
        canonical_json([cast(Json, value)])
