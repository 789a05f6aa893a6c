"""From an author's words to the text and the HTML of a mail, once for all recipients.

Markdown becomes HTML in the packaged layout; an author's own HTML keeps its looks, and gets the head of a document.
Both are sanitised. Who gave HTML alone gets a text part made from it; Markdown is its own text part.
"""

import html
from functools import cache

import attrs
from markdown_it import MarkdownIt

from adapters_email.placeholders import Placeholders
from adapters_email.plain_text import text_of
from adapters_email.sanitising import sanitised
from adapters_email.slots import FOOTER, WORDS, Place, Text, packaged
from adapters_email.styling import with_our_styles, with_own_styles
from zero2prod_core.domain.letters import Letter, LetterKind
from zero2prod_core.domain.slots import IN_WORDS, ISSUE_TITLE, LINKS, Slot, compiled
from zero2prod_core.errors import Defect

__all__ = ["Footer", "Words", "words_of"]


@attrs.frozen
class Footer:
    """What stands below the words: why the reader gets them, and how to get no more."""

    text: Text
    html: Text


@attrs.frozen
class Words:
    """What a letter says, footer and all; ``html`` is None where its author gave text alone."""

    text: Text
    html: Text | None


def words_of(letter: Letter, footer: Footer | None) -> Words:
    """The words of an issue's author; without a footer there are no links of the reader's own either.

    Raises:
        Defect: the letter says nothing.
    """
    paths = IN_WORDS if footer else IN_WORDS - LINKS
    text = Text.of(compiled(letter.text or letter.markdown or "", paths))
    if letter.markdown:
        marked = Text.of(compiled(letter.markdown, paths))
        return _with_footer(text, _from_markdown(marked, footer), footer)
    if letter.html:
        made, page = _from_html(Text.of(compiled(letter.html, paths, html.unescape)), footer)
        return _with_footer(text if letter.text else made, page, footer)
    if not letter.text:
        raise Defect(f"letter {letter.id} says nothing")
    return _with_footer(text, None, footer)


def _with_footer(text: Text, page: Text | None, footer: Footer | None) -> Words:
    return Words(text.followed_by(footer.text) if footer else text, page)


def _from_markdown(source: Text, footer: Footer | None) -> Text:
    placeholders = Placeholders.unlike(*source.literals)
    words = sanitised(_markdown().render(placeholders.put(source)), placeholders)
    return placeholders.found_in(with_our_styles(_page("layout.html", words.strip(), footer, placeholders)))


def _from_html(source: Text, footer: Footer | None) -> tuple[Text, Text]:
    """The text made from it, and the page."""
    placeholders = Placeholders.unlike(*source.literals)
    words = sanitised(with_own_styles(placeholders.put(source)), placeholders)
    page = _page("frame.html", words, footer, placeholders)
    return placeholders.found_in(text_of(words)), placeholders.found_in(page)


def _page(layout: str, words: str, footer: Footer | None, placeholders: Placeholders) -> str:
    values = {
        ISSUE_TITLE: placeholders.put(Text(("", ""), (Place(Slot(ISSUE_TITLE)),))),
        WORDS: words,
        FOOTER: placeholders.put(footer.html) if footer else "",
    }
    return packaged(LetterKind.ISSUE, layout).fill(values)


@cache
def _markdown() -> MarkdownIt:
    """CommonMark with GitHub's tables and strike-through. HTML within it is let through, to be sanitised as any."""
    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
