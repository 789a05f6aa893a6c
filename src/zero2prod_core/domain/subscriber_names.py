"""What subscribers call themselves."""

import re
import unicodedata

import attrs

from zero2prod_core.errors import FieldInvalid, FieldMissing

MOST_VISIBLE = 256
"""Visible characters, as in the reference's form."""

MOST_CODE_POINTS = 1024
"""Four for each visible one: enough for any writing with marks and for emoji, too few for a heap of marks."""

SPACES = " \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
"""Trimmed. Line breaks are not: at the ends of a name, too, they are refused."""

FORBIDDEN_SIGNS = re.compile(r'[/()"<>\\{}]')
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""Control characters with NUL and U+0085, line breaks, lone surrogates."""

DIRECTION_OVERRIDES = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
"""Embeddings, overrides and isolates (Unicode, UAX #9); the mere marks U+200E, U+200F and U+061C are harmless."""

UNCOUNTED = re.compile(r"[\U0001f3fb-\U0001f3ff]")
"""Skin tones: symbols by category, modifiers by nature."""

BLANKS = re.compile(r"[\u115f\u1160\u2800\u3164\uffa0]")
"""Letters and symbols by category that show nothing: the Hangul fillers and the empty Braille pattern."""


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
        text = raw.strip(SPACES)
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


def _check_size(text: str, field: str) -> None:
    if len(text) > MOST_CODE_POINTS or _count(text) > MOST_VISIBLE:
        raise FieldInvalid(field, f"must have at most {MOST_VISIBLE} visible characters", "Use a shorter form of it")
    if not any(_is_visible(character) for character in text):
        raise FieldInvalid(field, "must have at least one visible character")


def _count(text: str) -> int:
    return len(text) if text.isascii() else sum(map(_takes_room, text))


def _takes_room(character: str) -> bool:
    """Neither a mark (variation selectors are marks) nor a joiner or another format character, nor a modifier."""
    return not (unicodedata.category(character) in {"Mn", "Mc", "Me", "Cf"} or UNCOUNTED.match(character))


def _is_visible(character: str) -> bool:
    return _takes_room(character) and not (character in SPACES or BLANKS.match(character))
