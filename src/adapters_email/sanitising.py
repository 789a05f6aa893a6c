"""Authors' HTML, reduced to what a mail may hold: no scripts, no forms, no frames, nothing that runs."""

import re

import nh3

from adapters_email.placeholders import Placeholders

__all__ = ["sanitised"]

LINKS = frozenset({"http", "https", "mailto", "tel"})
"""What a reader can follow from a mail program."""

STYLES = frozenset({
    "background", "background-color", "border", "border-bottom", "border-collapse", "border-color",
    "border-left", "border-radius", "border-right", "border-spacing", "border-style", "border-top",
    "border-width", "color", "direction", "display", "font", "font-family", "font-size", "font-style",
    "font-variant", "font-weight", "height", "letter-spacing", "line-height", "list-style", "list-style-type",
    "margin", "margin-bottom", "margin-left", "margin-right", "margin-top", "max-width", "min-width", "padding",
    "padding-bottom", "padding-left", "padding-right", "padding-top", "text-align", "text-decoration",
    "text-indent", "text-transform", "vertical-align", "white-space", "width", "word-break",
})  # fmt: skip
"""Style sheets do not survive mail programs, so looks travel in ``style``; none of these positions anything."""

EVERYWHERE = frozenset({"align", "bgcolor", "class", "dir", "id", "lang", "style", "title", "valign"})
OF_TABLES = frozenset({"border", "cellpadding", "cellspacing", "height", "width"})

ATTRIBUTES = {tag: frozenset(allowed) for tag, allowed in nh3.ALLOWED_ATTRIBUTES.items()} | {
    "*": EVERYWHERE,
    "font": frozenset({"color", "face", "size"}),
    **{tag: nh3.ALLOWED_ATTRIBUTES.get(tag, set()) | OF_TABLES for tag in ("table", "td", "th")},
}
"""Mail programs still lay out by tables, and by these old attributes of theirs."""

TAGS = nh3.ALLOWED_TAGS | {"font", "tfoot"}

UNSEEN = frozenset({"script", "style", "title"})
"""Elements whose content is left out as well: it is no text of the mail."""

URLS = frozenset({"cite", "href", "src"})
"""Attributes that hold a URL."""


UNREADABLE = re.compile(r"\\|/\*")
"""Escapes and comments, behind which a style can hide what it says; nobody needs them in one element's style."""

FETCHING = re.compile(r"(?:url|src|image|image-set|cross-fade|element|expression)\s*\(", re.IGNORECASE)
"""Functions that fetch something when a mail is read, which tells on the reader, or that run a program."""


def sanitised(html: str, placeholders: Placeholders) -> str:
    """The HTML with everything else left out; well-formed HTML of allowed elements stays as it is.

    Placeholders within a URL become such as are filled for one. A style has none, because no value is to become one.
    """

    def attribute(_tag: str, name: str, value: str) -> str | None:
        if name == "style":
            return None if placeholders.holds(value) or UNREADABLE.search(value) else _harmless(value)
        if not placeholders.holds(value):
            return value
        return placeholders.within_link(value) if name in URLS else value

    return nh3.clean(
        html,
        tags=TAGS,
        clean_content_tags=UNSEEN,
        attributes=ATTRIBUTES,
        attribute_filter=attribute,
        url_schemes=LINKS,
        url_relative="deny",
        filter_style_properties=STYLES,
        link_rel=None,
    )


def _harmless(style: str) -> str | None:
    """A style without the declarations that fetch or run something; None where nothing is left of it."""
    if not FETCHING.search(style):
        return style
    return ";".join(each for each in style.split(";") if not FETCHING.search(each)) or None
