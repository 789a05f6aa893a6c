"""From a parcel to the bytes of a mail.

What is the same for every recipient of a letter is made once and kept: the encoded words of an issue, the parsed
template of a confirmation. A recipient costs a few header fields, and the filling of slots where the letter has any.
The same delivery composes to the same bytes each time.
"""

import html
from collections.abc import Mapping
from email.utils import format_datetime
from functools import lru_cache

import attrs

from adapters_email import mime
from adapters_email.sanitising import sanitised
from adapters_email.slots import Text, packaged
from zero2prod_core.domain.letters import Letter, LetterKind
from zero2prod_core.errors import Defect
from zero2prod_core.ports.mailer import Parcel, Sender

__all__ = ["Envelope", "Mail", "compose"]

LETTERS_KEPT = 16
"""More than are being sent at once. Each takes 6 MiB at most: 1 MiB of text and of HTML, both as typed and encoded."""


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

    Text and HTML parse back to what was published (the HTML: sanitised), with CRLF for each of their line breaks.

    Raises:
        Defect: the letter cannot be made into a mail: no words, no template, a slot without a value, or a character
            that must not reach a header.
    """
    try:
        return _prepared(parcel.letter, parcel.sender).mail(parcel)
    except UnicodeError as error:
        raise Defect(f"letter {parcel.letter.id} holds characters that no mail can carry") from error


@attrs.frozen
class _Filled:
    """The Subject field, and the end of the message from the header fields about its content on."""

    subject: bytes
    body: bytes


@attrs.frozen
class _Words:
    """What is said; at least one of ``text`` and ``html`` is there."""

    subject: Text
    text: Text | None
    html: Text | None
    boundary: str

    @property
    def are_literal(self) -> bool:
        return all(each is None or each.is_literal for each in (self.subject, self.text, self.html))

    def filled(self, slots: Mapping[str, str]) -> _Filled:
        parts = []
        if self.text:
            parts.append(mime.part("plain", self.text.fill(slots)))
        if self.html:
            parts.append(mime.part("html", self.html.fill(slots, html.escape)))
        body = mime.alternatives(self.boundary, parts) if len(parts) > 1 else mime.terminated(parts[0])
        return _Filled(mime.field("Subject", *mime.unstructured(self.subject.fill(slots))), body)


@attrs.frozen
class _Prepared:
    """A letter as far as it can be made without a recipient: ``filled`` is None where its words have slots."""

    sender: Sender
    origin: bytes
    purpose: bytes
    words: _Words
    filled: _Filled | None

    def mail(self, parcel: Parcel) -> Mail:
        recipient = parcel.delivery.email
        filled = self.filled or self.words.filled(parcel.slots)
        fields = (
            self.origin,
            mime.field("To", recipient.wire),
            filled.subject,
            mime.field("Date", format_datetime(parcel.dated_at)),
            mime.field("Message-ID", parcel.message_id),
            self.purpose,
        )
        utf8 = not (recipient.is_ascii_local and self.origin.isascii())
        return Mail(Envelope(self.sender.email.wire, recipient.wire, utf8), b"".join(fields) + filled.body)


@lru_cache(LETTERS_KEPT)
def _prepared(letter: Letter, sender: Sender) -> _Prepared:
    """Kept by value: a letter whose words change is another one."""
    words = _words_of_template(letter) if letter.subject is None else _words_of_author(letter, letter.subject)
    filled = words.filled({}) if words.are_literal else None
    return _Prepared(sender, _origin(sender), _purpose(letter.kind), words, filled)


def _words_of_author(letter: Letter, subject: str) -> _Words:
    if not (letter.text or letter.html):
        raise Defect(f"letter {letter.id} says nothing")
    return _Words(
        Text.literal(subject),
        Text.literal(letter.text) if letter.text else None,
        Text.literal(sanitised(letter.html)) if letter.html else None,
        _boundary(letter),
    )


def _words_of_template(letter: Letter) -> _Words:
    subject, text, html_ = (packaged(letter.kind, part) for part in ("subject.txt", "body.txt", "body.html"))
    return _Words(subject.stripped(), text, html_, _boundary(letter))


def _boundary(letter: Letter) -> str:
    """The same each time, and in no part: ``=_`` is no quoted-printable and no base64 (RFC 2045 §6.7)."""
    return f"=_{letter.id.hex}"


def _origin(sender: Sender) -> bytes:
    origin = mime.field("From", *mime.mailbox(sender.name, sender.email.wire))
    if sender.reply_to:
        origin += mime.field("Reply-To", sender.reply_to.wire)
    return origin


def _purpose(kind: LetterKind) -> bytes:
    """Nobody's answering machine shall answer a mail that a program wrote (RFC 3834 §5)."""
    automatic = b"" if kind is LetterKind.ISSUE else mime.field("Auto-Submitted", "auto-generated")
    return automatic + mime.field("MIME-Version", "1.0")
