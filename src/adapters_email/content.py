"""From a letter to what its mails say, before that is written for SMTP or for an API.

An issue's mails have the author's words as they stand, and behind them a footer: why the reader gets this, who sends
it, and how to stop it. A part that the author did not write is not made up.
"""

import html
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias
from uuid import UUID

import attrs

from adapters_email import mime
from adapters_email.sanitising import sanitised
from adapters_email.slots import Text, packaged
from zero2prod_core.domain.letters import Letter, LetterKind
from zero2prod_core.domain.newsletters import Newsletter
from zero2prod_core.errors import Defect
from zero2prod_core.ports.mailer import Parcel

__all__ = ["LETTERS_KEPT", "Content", "Header", "content_of", "escaped", "headers_of", "slots_of"]

LETTERS_KEPT = 16
"""More than are being sent at once. One whose text and HTML have the full 1 MiB each takes 7 MiB: both as typed, again
with their footer, and encoded. A character beyond the BMP makes Python keep four bytes for each, so 19 MiB. What was
prepared for words or a sender that have changed since is kept besides, until as many others have come after it.
"""

UNSUBSCRIBE_LINK = "unsubscribe.link"

BRACKETED = re.compile(r"[!-;=?-~]+")
"""What may stand in the angle brackets of a List field: visible ASCII without brackets (RFC 2369 §2, RFC 2919 §2)."""

Header: TypeAlias = tuple[str, tuple[str, ...]]
"""A field's name, and its value in lines of their final form, between which it may be folded."""


@attrs.frozen(eq=False)
class Content:
    """What is said; at least one of ``text`` and ``html`` is there, and what their slots get differs by recipient.

    It is made once for all recipients, and so compared by identity, which costs the same whatever its size.
    """

    subject: Text
    text: Text | None
    html: Text | None
    headers: tuple[Header, ...]


def content_of(parcel: Parcel) -> Content:
    """What the parcel's letter says, kept for its other recipients.

    Raises:
        Defect: the letter says nothing, has no template, or a value must not reach a header.
    """
    return _kept(parcel.letter.id).content_of(parcel)


def slots_of(parcel: Parcel) -> Mapping[str, str]:
    """The values of one recipient."""
    if parcel.listing is None:
        return parcel.slots
    return {**parcel.slots, UNSUBSCRIBE_LINK: parcel.listing.unsubscribe_link}


def headers_of(parcel: Parcel) -> Sequence[Header]:
    """The fields of one recipient, besides those that every mail has.

    Raises:
        Defect: the link is none that a header can carry.
    """
    if parcel.listing is None:
        return ()
    return [("List-Unsubscribe", (_bracketed(parcel.listing.unsubscribe_link),))]


def escaped(value: str) -> str:
    """A value for HTML, with its line breaks."""
    return html.escape(value).replace("\n", "<br>\n")


_Source: TypeAlias = tuple[Letter, Newsletter, str | None]
"""What a letter's content follows from. The last is its List-Id, None where nobody can unsubscribe."""


@attrs.define(eq=False)
class _Kept:
    """One letter's content, with what it was last made from."""

    made: tuple[_Source, Content] | None = None

    def content_of(self, parcel: Parcel) -> Content:
        """Each claim brings new objects, so only a claim's first parcel compares the words: they are the same, and
        from then on the objects are.
        """
        source = (parcel.letter, parcel.newsletter, parcel.listing.list_id if parcel.listing else None)
        made = self.made
        content = made[1] if made and made[0] == source else _content(*source)
        self.made = source, content
        return content


@lru_cache(LETTERS_KEPT)
def _kept(_letter: UUID) -> _Kept:
    return _Kept()


def _content(letter: Letter, newsletter: Newsletter, list_id: str | None) -> Content:
    words = _words_of_template(letter) if letter.subject is None else _words_of_author(letter, letter.subject)
    if list_id is None:
        return words
    return attrs.evolve(
        words,
        text=words.text and words.text.followed_by(_footer(newsletter, "txt")),
        html=words.html and words.html.followed_by(_footer(newsletter, "html")),
        headers=(*words.headers, *_list_headers(letter, newsletter, list_id)),
    )


def _words_of_author(letter: Letter, subject: str) -> Content:
    if not (letter.text or letter.html):
        raise Defect(f"letter {letter.id} says nothing")
    return Content(
        Text.literal(subject),
        Text.literal(letter.text) if letter.text else None,
        Text.literal(sanitised(letter.html)) if letter.html else None,
        (),
    )


def _words_of_template(letter: Letter) -> Content:
    """Nobody's answering machine shall answer a mail that a program wrote (RFC 3834 §5)."""
    subject, text, html_ = (packaged(letter.kind, part) for part in ("subject.txt", "body.txt", "body.html"))
    return Content(subject.stripped(), text, html_, (("Auto-Submitted", ("auto-generated",)),))


def _footer(newsletter: Newsletter, form: str) -> Text:
    values = {"newsletter.name": newsletter.name, "newsletter.postal_address": newsletter.postal_address or ""}
    template = packaged(LetterKind.ISSUE, f"footer.{form}")
    footer = template.given(values, escaped if form == "html" else str)
    return attrs.evolve(footer, pieces=(*footer.pieces[:-1], f"{footer.pieces[-1].rstrip()}\n"))


def _list_headers(letter: Letter, newsletter: Newsletter, list_id: str) -> Sequence[Header]:
    """RFC 2919; RFC 8058; and Feedback-ID, by which mailbox providers sum up complaints: three names of ours from the
    narrowest to the widest, and the sender's (support.google.com/mail/answer/6254652).
    """
    return (
        ("List-Id", tuple(mime.named(newsletter.name, _bracketed(list_id)))),
        ("List-Unsubscribe-Post", ("List-Unsubscribe=One-Click",)),
        ("Feedback-ID", (f"{letter.id.hex}:{newsletter.slug.text}:{letter.kind.value}:zero2prod",)),
    )


def _bracketed(value: str) -> str:
    if not BRACKETED.fullmatch(value):
        raise Defect(f"a mail's header cannot hold {value[:100]!a}")
    return f"<{value}>"
