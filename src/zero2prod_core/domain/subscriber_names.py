"""What subscribers call themselves."""

import re

import attrs

from zero2prod_core.domain.folding import fold
from zero2prod_core.domain.visibility import SPACES, is_visible, takes_room
from zero2prod_core.errors import FieldInvalid, FieldMissing

MOST_VISIBLE = 256
"""Visible characters, as in the reference's form."""

MOST_CODE_POINTS = 1024
"""Four for each visible one: enough for any writing with marks and for emoji, too few for a heap of marks."""

FORBIDDEN_SIGNS = re.compile(r'[/()"<>\\{}]')
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""Control characters with NUL and U+0085, line breaks, lone surrogates."""

DIRECTION_OVERRIDES = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
"""Embeddings, overrides and isolates (Unicode, UAX #9); the mere marks U+200E, U+200F and U+061C are harmless."""


@attrs.frozen
class SubscriberName:
    """Any name that can be shown in one line, exactly as typed but for spaces around it."""

    text: str

    @classmethod
    def parse(cls, raw: str, field: str = "name") -> "SubscriberName":
        """Read a name. Whatever looks like markup or SQL but keeps these rules is a name.

        Raises:
            FieldMissing: there is nothing but white space.
            FieldInvalid: the rule that is broken.
        """
        text = raw.strip(SPACES)  # line breaks are not: at the ends of a name, too, they are refused
        if not text.strip():
            raise FieldMissing(field)
        if UNPRINTABLE.search(text):
            raise FieldInvalid(field, "must be one line without control characters")
        if DIRECTION_OVERRIDES.search(text):
            raise FieldInvalid(field, "must not override the writing direction")
        if FORBIDDEN_SIGNS.search(text):
            raise FieldInvalid(field, 'must have none of / ( ) " < > \\ { }')
        _check_size(text, field)
        return cls(text)

    @property
    def key(self) -> str:
        """What the name is found by, without regard to case."""
        return fold(self.text)


def _check_size(text: str, field: str) -> None:
    if len(text) > MOST_CODE_POINTS or _count(text) > MOST_VISIBLE:
        raise FieldInvalid(field, f"must have at most {MOST_VISIBLE} visible characters", "Use a shorter form of it")
    if not any(is_visible(character) for character in text):
        raise FieldInvalid(field, "must have at least one visible character")


def _count(text: str) -> int:
    return len(text) if text.isascii() else sum(map(takes_room, text))
