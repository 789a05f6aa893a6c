"""From a parcel to a message of Postmark's e-mail API (postmarkapp.com/developer/api/email-api), as JSON.

JSON escapes each character by itself, so the words that everybody gets are written once per letter, and each recipient
costs a few fields and the values of the slots.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache

import attrs
import orjson

from adapters_email import mime
from adapters_email.content import LETTERS_KEPT, Content, Header, content_of, escaped, headers_of, slots_of
from adapters_email.slots import Text
from zero2prod_core.domain.letters import LetterKind
from zero2prod_core.domain.slots import ISSUE_TITLE
from zero2prod_core.errors import Defect
from zero2prod_core.ports.mailer import Parcel, Sender

__all__ = ["postmark_message"]

BROADCAST, TRANSACTIONAL = "broadcast", "outbound"
"""The streams that each Postmark server has from the start. Postmark wants what goes to many kept apart from what one
person waits for, and stops accounts that mix them (postmarkapp.com/message-streams).
"""

KEEP_ID: Header = ("X-PM-KeepID", ("true",))
"""Without it Postmark writes a Message-ID of its own, and a mail sent twice has two."""


def postmark_message(parcel: Parcel) -> bytes:
    """One message, a JSON object in UTF-8. Postmark adds Date and MIME-Version itself.

    Raises:
        Defect: the letter cannot be made into a mail: no words, no template, a slot without a value, or a character
            that must not reach a header.
    """
    try:
        return _prepared(content_of(parcel), parcel.sender, parcel.letter.kind).message(parcel)
    except (UnicodeError, orjson.JSONEncodeError) as error:
        raise Defect(f"letter {parcel.letter.id} holds characters that no mail can carry") from error


@attrs.frozen
class _Prepared:
    """A letter's messages as far as they can be written without a recipient. Each of ``fields`` and of ``headers``
    ends with a comma; Subject is among the fields unless it has slots.
    """

    fields: bytes
    headers: bytes
    content: Content
    text: Sequence[bytes]
    html: Sequence[bytes]

    def message(self, parcel: Parcel) -> bytes:
        content, slots = self.content, slots_of(parcel, self.content)
        parts = [b'{"To":', orjson.dumps(parcel.delivery.email.wire), b",", self.fields]
        if not content.subject.is_literal:
            parts += (b'"Subject":', orjson.dumps(_value([slots[ISSUE_TITLE]])), b",")
        parts += (b'"TextBody":"', *_spliced(self.text, content.text.filled(slots)), b'",')
        if content.html:
            parts += (b'"HtmlBody":"', *_spliced(self.html, content.html.filled(slots, escaped)), b'",')
        own = _headers([("Message-ID", (parcel.message_id,)), *headers_of(parcel)])
        parts += (b'"Headers":[', self.headers, own[:-1], b"]}")
        return b"".join(parts)


@lru_cache(LETTERS_KEPT)
def _prepared(content: Content, sender: Sender, kind: LetterKind) -> _Prepared:
    fields = {"From": _value(mime.mailbox(sender.name, sender.email.wire))}
    if sender.reply_to:
        fields["ReplyTo"] = sender.reply_to.wire
    if content.subject.is_literal:
        fields["Subject"] = _value([content.subject.literals[0]])
    fields["MessageStream"] = BROADCAST if kind is LetterKind.ISSUE else TRANSACTIONAL
    return _Prepared(
        orjson.dumps(fields)[1:-1] + b",",
        _headers([KEEP_ID, *content.headers]),
        content,
        _literals(content.text),
        _literals(content.html) if content.html else (),
    )


def _headers(headers: Sequence[Header]) -> bytes:
    """As elements of a JSON array, a comma behind each."""
    return b"".join(orjson.dumps({"Name": name, "Value": _value(lines)}) + b"," for name, lines in headers)


def _literals(text: Text) -> Sequence[bytes]:
    return tuple(map(_inside, text.literals))


def _spliced(literals: Sequence[bytes], values: Iterable[str]) -> Sequence[bytes]:
    """Literals and values in turn."""
    pieces = [literals[0]]
    for value, literal in zip(values, literals[1:], strict=True):
        pieces += (_inside(value), literal)
    return pieces


def _inside(text: str) -> bytes:
    """The text as a JSON string, without its quotes."""
    return orjson.dumps(text)[1:-1]


def _value(lines: Sequence[str]) -> str:
    """A header's value, unfolded."""
    mime.refuse_control(*lines)
    return " ".join(lines)
