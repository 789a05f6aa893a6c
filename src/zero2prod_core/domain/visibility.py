"""Which characters a person sees, by Unicode's categories and the few that those tell wrongly."""

import re
import unicodedata

SPACES = " \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
"""White space without line breaks."""

UNCOUNTED = re.compile(r"[\U0001f3fb-\U0001f3ff]")
"""Skin tones: symbols by category, modifiers by nature."""

BLANKS = re.compile(r"[\u115f\u1160\u2800\u3164\uffa0]")
"""Letters and symbols by category that show nothing: the Hangul fillers and the empty Braille pattern."""


def printable(text: str) -> str:
    """Somebody else's words without what would do something to a terminal; a line break is a space."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else " " for character in text)


def takes_room(character: str) -> bool:
    """Neither a mark (variation selectors are marks) nor a joiner or another format character, nor a modifier."""
    return not (unicodedata.category(character) in {"Mn", "Mc", "Me", "Cf"} or UNCOUNTED.match(character))


def is_visible(character: str) -> bool:
    """Whether it takes room and leaves a trace there."""
    return takes_room(character) and not (character in SPACES or BLANKS.match(character))
