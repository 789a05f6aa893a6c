"""Looks: style sheets do not survive mail programs, so each rule is written into the elements that it is about."""

import re
from functools import cache

from css_inline import CSSInliner, InlineError

from adapters_email.slots import packaged_source
from zero2prod_core.domain.letters import LetterKind

__all__ = ["with_our_styles", "with_own_styles"]

DOCUMENT = re.compile(r"<(?:style|body)\b", re.IGNORECASE)
"""What only a document has, and a piece of one has not."""

BODY_OF = re.compile(r"<body(.*)</body></html>", re.DOTALL)

OWN = CSSInliner(load_remote_stylesheets=False)
"""Nothing that an author names is fetched, from the network or from this machine."""


def with_own_styles(html: str) -> str:
    """An author's document with its style sheets in its elements, and as a piece: its body is then a ``div``, because
    the mail has a body of its own. What has neither style sheets nor a body stays as it is.
    """
    if not DOCUMENT.search(html):
        return html
    body = BODY_OF.search(_inlined(OWN, html))
    return f"<div{body[1]}</div>" if body else html


def with_our_styles(document: str) -> str:
    """A document with the packaged style sheet in its elements. What it has in ``style`` itself wins."""
    return _inlined(_ours(), document)


def _inlined(inliner: CSSInliner, document: str) -> str:
    """With a style that cannot be read, as it is: a mail that looks plain is better than none."""
    try:
        return inliner.inline(document)
    except InlineError:
        return document


@cache
def _ours() -> CSSInliner:
    """The layout's own ``style`` stays: what depends on the reader's screen only a style sheet can say."""
    return CSSInliner(
        extra_css=packaged_source(LetterKind.ISSUE, "layout.css"),
        inline_style_tags=False,
        keep_style_tags=True,
        load_remote_stylesheets=False,
    )
