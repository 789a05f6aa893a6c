"""Whether HTML shows a reader anything: a scan that goes through it once, whatever it is given.

It follows the HTML standard's tokens as far as that takes (html.spec.whatwg.org, 13.2.5), and builds no tree. Each
search goes on from where the last one found something, and one that finds nothing is the last: what a mark without an
end begins lasts to the end.
"""

import html as html_entities
import re
from collections.abc import Iterator

HIDDEN = frozenset({"script", "style", "template", "title"})
"""Elements of which a mail program shows nothing in a mail's text."""

TAG = re.compile(r"</?([a-z][^\s/>]*)", re.IGNORECASE)
TAG_END = re.compile(r"""=\s*+(["'])|>""")
COMMENT_END = re.compile(r"--!?>")
HIDDEN_ENDS = {name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE) for name in HIDDEN}

ENTITY = re.compile(r"&#?[0-9a-z]{1,32};?", re.IGNORECASE)
"""No name has more characters, and no number that means a character; longer ones are text."""


def shows_something(html: str) -> bool:
    """Whether HTML has a text or a picture outside tags, comments, scripts and styles."""
    return any(shows for _, shows in steps(html))


def steps(html: str) -> Iterator[tuple[int, bool]]:
    """What the scan comes by: each text and each tag, comment or hidden element, with its place and whether it shows
    something. There are at most two steps for each ``<``, and one more.
    """
    place = 0
    while 0 <= place < len(html):
        if html[place] != "<" or not _opens(html, place):
            until = html.find("<", place + 1)
            yield place, _is_visible(html[place : until if until >= 0 else None])
            place = until
            continue
        tag = TAG.match(html, place)
        yield place, bool(tag and html[place + 1] != "/" and tag[1].lower() == "img")
        place = _after_tag(html, tag) if tag else _after_remark(html, place)


def _opens(html: str, place: int) -> bool:
    """Whether the ``<`` here begins anything but text."""
    following = html[place + 1 : place + 2]
    return following in {"!", "?", "/"} or (following.isascii() and following.isalpha())


def _is_visible(text: str) -> bool:
    return bool(ENTITY.sub(lambda entity: html_entities.unescape(entity[0]), text).strip())


def _after_remark(html: str, place: int) -> int:
    """Behind a comment, a declaration, an instruction or an end tag without a name; -1 where it has no end."""
    if html.startswith("<!--", place):
        end = COMMENT_END.search(html, place + 2)
        return end.end() if end else -1
    return html.find(">", place) + 1 or -1


def _after_tag(html: str, tag: "re.Match[str]") -> int:
    """Behind a tag, and with the start of a hidden element behind its content; -1 where there is no end."""
    place = tag.end()
    while found := TAG_END.search(html, place):
        if not found[1]:
            return _after_hidden(html, tag, found.end())
        place = html.find(found[1], found.end()) + 1
        if not place:
            return -1
    return -1


def _after_hidden(html: str, tag: "re.Match[str]", place: int) -> int:
    end = HIDDEN_ENDS.get(tag[1].lower()) if html[tag.start() + 1] != "/" else None
    if end is None:
        return place
    found = end.search(html, place)
    return found.start() if found else -1
