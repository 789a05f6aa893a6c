"""One line of visible text: what stands in headers, headings and labels."""

import re

from zero2prod_core.domain.visibility import is_visible
from zero2prod_core.errors import FieldInvalid, FieldMissing

UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\u0080-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, line breaks, bidirectional overrides and lone surrogates: none may reach a mail header."""


def parse_line(raw: str, field: str, longest: int) -> str:
    """One trimmed line of visible text for a header or a heading.

    Raises:
        FieldMissing, FieldInvalid: empty; longer than ``longest`` characters; or holding what may not reach a header.
    """
    text = raw.strip()
    if not text:
        raise FieldMissing(field)
    if UNPRINTABLE.search(text):
        raise FieldInvalid(field, "must be one line without control characters or direction overrides")
    if len(text) > longest:
        raise FieldInvalid(field, f"must have at most {longest} characters")
    if not any(map(is_visible, text)):
        raise FieldInvalid(field, "must have at least one visible character")
    return text
