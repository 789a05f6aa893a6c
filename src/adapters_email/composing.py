"""From a parcel to the bytes of a mail.

What is the same for every recipient of a letter is made once and kept: all encoded words between the slots. A recipient
costs a few header fields, the values of the slots, and putting the pieces together. The same delivery composes to the
same bytes each time.
"""

from collections.abc import Mapping, Sequence
from email.utils import format_datetime
from functools import lru_cache

import attrs

from adapters_email import mime
from adapters_email.content import LETTERS_KEPT, Content, Header, content_of, escaped, headers_of, slots_of
from adapters_email.parts import Part, alone, alternatives, prepared
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.slots import ISSUE_TITLE
from zero2prod_core.errors import Defect
from zero2prod_core.ports.mailer import Parcel, Sender

__all__ = ["Envelope", "Mail", "compose"]


@attrs.frozen
class Envelope:
    """What SMTP is told: from whom, to whom, and whether that needs SMTPUTF8 (RFC 6531)."""

    sender: str
    recipient: str
    utf8: bool


@attrs.frozen
class Mail:
    """``content`` is the mail's final form, which nothing may change once it is signed.

    It has CRLF line ends throughout and ends with one. No line of a composed mail begins with a dot, so dot-stuffing
    finds nothing to do; none is longer than 998 octets, and none of its body than 76.
    """

    envelope: Envelope
    content: bytes
    is_composed: bool = False
    """Whether ``content`` is what `compose` made, so that nobody need look it through for line ends and dots."""
    pieces: Sequence[bytes] = attrs.field(default=(), eq=False, repr=False)
    """What ``content`` ends with, all of its body among it. A letter's own words are the same objects in each of its
    mails, so that a signer looks them through once. No two pieces meet in white space.
    """


def compose(parcel: Parcel) -> Mail:
    """The mail for one recipient.

    Raises:
        Defect: the letter cannot be made into a mail: no words, no template, a slot without a value, or a character
            that must not reach a header.
    """
    try:
        return _prepared(content_of(parcel), parcel.sender, parcel.letter.id.hex).mail(parcel)
    except UnicodeError as error:
        raise Defect(f"letter {parcel.letter.id} holds characters that no mail can carry") from error


@attrs.frozen
class _Prepared:
    """A letter's mails as far as they can be written without a recipient; ``subject`` is None where it has slots."""

    sender: Sender
    origin: bytes
    subject: bytes | None
    headers: bytes
    content: Content
    text: Part
    html: Part | None
    boundary: str

    def mail(self, parcel: Parcel) -> Mail:
        recipient, slots = parcel.delivery.email, slots_of(parcel, self.content)
        pieces = self._body(slots)
        fields = (
            self.origin,
            mime.field("To", recipient.wire),
            self.subject or _subject(slots[ISSUE_TITLE]),
            _date(parcel.dated_at),
            mime.field("Message-ID", parcel.message_id),
            _fields(headers_of(parcel)),
            self.headers,
            *pieces,
        )
        utf8 = not (recipient.is_ascii_local and self.origin.isascii())
        envelope = Envelope(self.sender.email.wire, recipient.wire, utf8)
        return Mail(envelope, b"".join(fields), is_composed=True, pieces=pieces)

    def _body(self, slots: Mapping[str, str]) -> Sequence[bytes]:
        text = self.text.filled(self.content.text.filled(slots))
        if self.html is None or self.content.html is None:
            return alone(text)
        return alternatives(self.boundary, [text, self.html.filled(self.content.html.filled(slots, escaped))])


@lru_cache(LETTERS_KEPT)
def _prepared(content: Content, sender: Sender, letter: str) -> _Prepared:
    """The boundary is the same each time, and in no part: ``=_`` is no quoted-printable and no base64 (RFC 2045
    §6.7).
    """
    return _Prepared(
        sender,
        _origin(sender),
        _subject(content.subject.literals[0]) if content.subject.is_literal else None,
        _fields((*content.headers, ("MIME-Version", ("1.0",)))),
        content,
        prepared("plain", content.text.literals),
        prepared("html", content.html.literals) if content.html else None,
        f"=_{letter}",
    )


@lru_cache(LETTERS_KEPT)
def _date(dated_at: Instant) -> bytes:
    return mime.field("Date", format_datetime(dated_at))


def _subject(text: str) -> bytes:
    return mime.field("Subject", *mime.unstructured(text))


def _fields(headers: Sequence[Header]) -> bytes:
    return b"".join(mime.field(name, *lines) for name, lines in headers)


def _origin(sender: Sender) -> bytes:
    origin = mime.field("From", *mime.mailbox(sender.name, sender.email.wire))
    if sender.reply_to:
        origin += mime.field("Reply-To", sender.reply_to.wire)
    return origin
