"""One text for one value: JSON in the canonical form of RFC 8785 (JCS), without floating-point numbers.

The same value gives the same bytes on every machine and in every version, so that a hash over them proves something.
Numbers with a fraction are left out: their canonical form is the hard part of the RFC, and nothing here needs them.
"""

import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from zero2prod_core.errors import Defect

Json: TypeAlias = "str | int | bool | Sequence[Json] | Mapping[str, Json] | None"

LARGEST_INTEGER = 2**53 - 1
"""Beyond it readers that know only IEEE 754 doubles see another number (RFC 7493 §2.2)."""


def canonical_json(value: Json) -> str:
    """Write a value of str, int, bool, None, list, tuple and dict, without white space, keys in the order of UTF-16.

    Raises:
        Defect: another type, an integer beyond ±(2**53 - 1), a lone surrogate, or a key that is no text.
    """
    return json.dumps(_ordered(value), ensure_ascii=False, separators=(",", ":"))


def _ordered(value: Json) -> Json:
    match value:
        case None | bool():
            return value
        case str():
            _utf_16(value)
            return value
        case int() if abs(value) <= LARGEST_INTEGER:
            return value
        case list() | tuple():
            return [_ordered(item) for item in value]
        case dict():
            return {key: _ordered(value[key]) for key in sorted(value, key=_utf_16)}
    raise Defect(
        f"canonical JSON has text, integers up to 2**53 - 1, lists and objects, not this {type(value).__name__}"
    )


def _utf_16(text: str) -> bytes:
    """The order of RFC 8785 §3.2.3; text that has no such form has no canonical one either."""
    try:
        return text.encode("utf-16-be")
    except (AttributeError, UnicodeEncodeError):
        raise Defect("canonical JSON has text without lone surrogates, and only text as keys") from None
