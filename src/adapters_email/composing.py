"""From a parcel to the bytes of a mail.

What is the same for every recipient of a letter is made once and kept: the encoded words up to the first slot. A
recipient costs a few header fields and the lines from that slot on. The same delivery composes to the same bytes each
time.
"""

from collections.abc import Mapping, Sequence
from email.utils import format_datetime
from functools import lru_cache

import attrs

from adapters_email import mime
from adapters_email.content import LETTERS_KEPT, Content, Header, content_of, escaped, headers_of, slots_of
from adapters_email.slots import Text
from zero2prod_core.domain.instants import Instant
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
    """``content`` has CRLF line ends throughout, ends with one, and is not dot-stuffed."""

    envelope: Envelope
    content: bytes


def compose(parcel: Parcel) -> Mail:
    """The mail for one recipient.

    Text and HTML parse back to what was published (the HTML: sanitised) and the footer, with CRLF for each of their
    line breaks.

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
    text: mime.BegunPart | None
    html: mime.BegunPart | None
    boundary: str

    def mail(self, parcel: Parcel) -> Mail:
        recipient, slots = parcel.delivery.email, slots_of(parcel)
        fields = (
            self.origin,
            mime.field("To", recipient.wire),
            self.subject or _subject(self.content.subject.fill(slots)),
            _date(parcel.dated_at),
            mime.field("Message-ID", parcel.message_id),
            _fields(headers_of(parcel)),
            self.headers,
            self._body(slots),
        )
        utf8 = not (recipient.is_ascii_local and self.origin.isascii())
        return Mail(Envelope(self.sender.email.wire, recipient.wire, utf8), b"".join(fields))

    def _body(self, slots: Mapping[str, str]) -> bytes:
        parts = []
        if self.content.text and self.text:
            parts.append(self.text.ended(self.content.text.fill_after_opening(slots)))
        if self.content.html and self.html:
            parts.append(self.html.ended(self.content.html.fill_after_opening(slots, escaped)))
        return mime.alternatives(self.boundary, parts) if len(parts) > 1 else mime.terminated(parts[0])


@lru_cache(LETTERS_KEPT)
def _prepared(content: Content, sender: Sender, letter: str) -> _Prepared:
    """The boundary is the same each time, and in no part: ``=_`` is no quoted-printable and no base64 (RFC 2045
    §6.7).
    """
    return _Prepared(
        sender,
        _origin(sender),
        _subject(content.subject.opening) if content.subject.is_literal else None,
        _fields((*content.headers, ("MIME-Version", ("1.0",)))),
        content,
        _begun("plain", content.text),
        _begun("html", content.html),
        f"=_{letter}",
    )


@lru_cache(LETTERS_KEPT)
def _date(dated_at: Instant) -> bytes:
    return mime.field("Date", format_datetime(dated_at))


def _subject(text: str) -> bytes:
    return mime.field("Subject", *mime.unstructured(text))


def _begun(subtype: str, text: Text | None) -> mime.BegunPart | None:
    return mime.begun(subtype, text.opening) if text else None


def _fields(headers: Sequence[Header]) -> bytes:
    return b"".join(mime.field(name, *lines) for name, lines in headers)


def _origin(sender: Sender) -> bytes:
    origin = mime.field("From", *mime.mailbox(sender.name, sender.email.wire))
    if sender.reply_to:
        origin += mime.field("Reply-To", sender.reply_to.wire)
    return origin
