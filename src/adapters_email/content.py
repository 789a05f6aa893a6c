"""From a letter to what its mails say, before that is written for SMTP or for an API.

An issue's mails have the author's words with their slots filled, and below them a footer: why the reader gets this, who
sends it, and how to stop it.
"""

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias
from uuid import UUID

import attrs

from adapters_email import mime
from adapters_email.authoring import Footer, words_of
from adapters_email.slots import Text, packaged
from zero2prod_core.domain.fields import Tag, shown_tags
from zero2prod_core.domain.letters import Letter, LetterKind
from zero2prod_core.domain.newsletters import Newsletter
from zero2prod_core.domain.slots import (
    FIELD_PREFIX,
    IN_TITLE,
    ISSUE_TITLE,
    NEWSLETTER_NAME,
    PREFERENCES_LINK,
    SUBSCRIBER_EMAIL,
    SUBSCRIBER_NAME,
    SUBSCRIBER_TAGS,
    UNSUBSCRIBE_LINK,
    compiled,
)
from zero2prod_core.errors import Defect
from zero2prod_core.ports.mailer import Parcel

__all__ = [
    "LETTERS_KEPT",
    "Content",
    "Header",
    "Source",
    "content_from",
    "content_of",
    "escaped",
    "headers_of",
    "is_kept",
    "keep",
    "slots_of",
    "source_of",
]

LETTERS_KEPT = 16
"""More than are being sent at once. One whose text and HTML have the full 1 MiB each takes 9 MiB: both as typed, again
as they are sent, and encoded; base64 is kept in three forms, which makes it 14. A character beyond the BMP makes Python
keep four bytes for each. What was prepared for words or a sender that have changed since is kept besides, until as many
others have come after it.
"""

UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
"""Line breaks and control characters, which no name has that was checked; an imported one might."""

BRACKETED = re.compile(r"[!-;=?-~]+")
"""What may stand in the angle brackets of a List field: visible ASCII without brackets (RFC 2369 §2, RFC 2919 §2)."""

ENTICING = re.compile(r"@|://|www\.", re.IGNORECASE)
"""What e-mail addresses and links have, which mail programs turn into something to click on."""

Header: TypeAlias = tuple[str, tuple[str, ...]]
"""A field's name, and its value in lines of their final form, between which it may be folded."""


@attrs.frozen(eq=False)
class Content:
    """What is said; ``html`` is None where the author gave text alone. What their slots get differs by recipient.

    It is made once for all recipients, and so compared by identity, which costs the same whatever its size.
    ``fields`` are the subscriber's fields that it has slots for, each with its path; ``tags`` the labels of the
    newsletter's tags, by name, where it shows them.
    """

    subject: Text
    text: Text
    html: Text | None
    headers: tuple[Header, ...]
    fields: tuple[tuple[str, str], ...] = ()
    tags: tuple[Tag, ...] = ()


Source: TypeAlias = tuple[Letter, Newsletter, str | None]
"""What a letter's content follows from. The last is its List-Id, None where nobody can unsubscribe."""


def source_of(parcel: Parcel) -> Source:
    return parcel.letter, parcel.newsletter, parcel.listing.list_id if parcel.listing else None


def is_kept(parcel: Parcel) -> bool:
    """Whether `content_of` has nothing to make for this parcel."""
    return _kept(parcel.letter.id).has(source_of(parcel))


def keep(source: Source, content: Content) -> None:
    """Have `content_of` give what was made elsewhere."""
    _kept(source[0].id).made = source, content


def content_of(parcel: Parcel) -> Content:
    """What the parcel's letter says, kept for its other recipients.

    Raises:
        Defect: the letter says nothing, has no template, or a value must not reach a header.
    """
    return _kept(parcel.letter.id).content_of(parcel)


def slots_of(parcel: Parcel, content: Content) -> Mapping[str, str]:
    """The values of one recipient."""
    delivery, listing = parcel.delivery, parcel.listing
    values = {
        **parcel.slots,
        SUBSCRIBER_NAME: UNPRINTABLE.sub(" ", delivery.name),
        SUBSCRIBER_EMAIL: delivery.email.text,
    }
    for path, name in content.fields:
        values[path] = UNPRINTABLE.sub(" ", delivery.fields.get(name, ""))
    if content.tags:
        values[SUBSCRIBER_TAGS] = ", ".join(shown_tags(content.tags, delivery.tags))
    if listing is not None:
        values[UNSUBSCRIBE_LINK] = listing.unsubscribe_link
        values[PREFERENCES_LINK] = listing.preferences_link
    if not content.subject.is_literal:
        values[ISSUE_TITLE] = content.subject.fill(_fit_for_subject(values, content))
    return values


def _fit_for_subject(values: Mapping[str, str], content: Content) -> Mapping[str, str]:
    """Without answers that are e-mail addresses or links: in a subject they make a mail look like a swindler's."""
    unfit = {path: "" for path, _ in content.fields if ENTICING.search(values[path])}
    return {**values, **unfit} if unfit else values


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


@attrs.define(eq=False)
class _Kept:
    """One letter's content, with what it was last made from."""

    made: tuple[Source, Content] | None = None

    def content_of(self, parcel: Parcel) -> Content:
        """Each claim brings new objects, so only a claim's first parcel compares the words: they are the same, and
        from then on the objects are.
        """
        source = source_of(parcel)
        if not (self.has(source) and self.made):
            self.made = source, content_from(source)
        return self.made[1]

    def has(self, source: Source) -> bool:
        """Whether it was made from this, in whichever objects."""
        if self.made is None or self.made[0] != source:
            return False
        self.made = source, self.made[1]
        return True


@lru_cache(LETTERS_KEPT)
def _kept(_letter: UUID) -> _Kept:
    return _Kept()


def content_from(source: Source) -> Content:
    """What a letter says, made anew. Raises Defect as `content_of` does."""
    letter, newsletter, list_id = source
    if letter.subject is None:
        return _words_of_template(letter)
    return _words_of_author(letter, letter.subject, newsletter, list_id)


def _words_of_author(letter: Letter, title: str, newsletter: Newsletter, list_id: str | None) -> Content:
    words = words_of(letter, _footer(newsletter) if list_id is not None else None)
    subject = Text.of(compiled(title, IN_TITLE))
    same_for_all, fields, tags = _asked(newsletter, (subject, words.text, *((words.html,) if words.html else ())))
    subject = subject.given(same_for_all)
    if subject.is_literal:
        same_for_all[ISSUE_TITLE] = subject.literals[0]
    return Content(
        subject,
        words.text.given(same_for_all),
        words.html and words.html.given(same_for_all, escaped),
        _list_headers(letter, newsletter, list_id) if list_id is not None else (),
        fields,
        tags,
    )


def _asked(
    newsletter: Newsletter, texts: Iterable[Text]
) -> tuple[dict[str, str], tuple[tuple[str, str], ...], tuple[Tag, ...]]:
    """What all recipients have in common, the paths and names of the fields that differ, and the tags.

    What the newsletter asks for no more, nobody has.
    """
    same_for_all = {NEWSLETTER_NAME: newsletter.name}
    asked, fields = {f"{FIELD_PREFIX}{field.name}": field.name for field in newsletter.fields}, []
    paths = {place.slot.path for text in texts for place in text.places}
    for path in sorted(path for path in paths if path.startswith(FIELD_PREFIX)):
        if path in asked:
            fields.append((path, asked[path]))
        else:
            same_for_all[path] = ""
    tags = newsletter.tags if SUBSCRIBER_TAGS in paths else ()
    if not tags:
        same_for_all[SUBSCRIBER_TAGS] = ""
    return same_for_all, tuple(fields), tags


def _words_of_template(letter: Letter) -> Content:
    """Nobody's answering machine shall answer a mail that a program wrote (RFC 3834 §5)."""
    subject, text, html_ = (packaged(letter.kind, part) for part in ("subject.txt", "body.txt", "body.html"))
    return Content(subject.stripped(), text, html_, (("Auto-Submitted", ("auto-generated",)),))


def _footer(newsletter: Newsletter) -> Footer:
    values = {NEWSLETTER_NAME: newsletter.name, "newsletter.postal_address": newsletter.postal_address or ""}
    text, page = (packaged(LetterKind.ISSUE, f"footer.{form}") for form in ("txt", "html"))
    given = text.given(values)
    *literals, last = given.literals
    return Footer(attrs.evolve(given, literals=(*literals, f"{last.rstrip()}\n")), page.given(values, escaped))


def _list_headers(letter: Letter, newsletter: Newsletter, list_id: str) -> tuple[Header, ...]:
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
