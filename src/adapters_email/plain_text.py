"""The text part of a mail whose author gave HTML alone: the same words, with the links in sight."""

import re

from inscriptis import get_text  # type: ignore[import-untyped]  # it has annotations and no py.typed
from inscriptis.css_profiles import CSS_PROFILES  # type: ignore[import-untyped]  # the same
from inscriptis.model.config import ParserConfig  # type: ignore[import-untyped]  # the same

__all__ = ["text_of"]

CONFIG = ParserConfig(css=CSS_PROFILES["strict"], display_links=True, display_images=True)
"""A link is written ``[words](URL)``, and a picture ``[what it shows]``; boxes that only place things leave no trace.
"""

SHOWN_TWICE = re.compile(r"\[([^\s\[\]]+)\]\(\1\)")
"""A link whose words are its URL."""

BLANK_LINES = re.compile(r"\n{3,}")


def text_of(html: str) -> str:
    """What the HTML says, in lines of text, ending in one line break."""
    lines = [line.rstrip() for line in get_text(html, CONFIG).split("\n")]
    text = SHOWN_TWICE.sub(r"\1", "\n".join(lines)).strip("\n")
    return BLANK_LINES.sub("\n\n", text) + "\n"
