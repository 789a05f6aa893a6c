"""The mails that the catcher holds, and how a mail's octets become something to show.

A mail may be broken in any way its sender thought of. What cannot be read is replaced or left out, and is never an
error; the source always has all of it.
"""

import re
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesParser
from email.policy import Compat32
from typing import Final

import attrs

__all__ = ["Content", "Mail", "Mails", "as_text", "read"]

MIB: Final = 1 << 20

# Enough for a person, and for a test of a few hundred sign-ups with their issue.
MOST_MAILS: Final = 1_000

# The catcher shares a developer's machine with a database and two services; four mails of the largest size fit.
MOST_OCTETS: Final = 128 * MIB

# An issue's text and its HTML are 1 MiB each at most; a page of more than twice that is slow on a phone.
MOST_SHOWN: Final = 2 * MIB
CUT: Final = "\n\n[Cut here. The source has all of it.]"
SOURCE_CUT: Final = "\n\n[Cut here. The file has all of it.]"
TOO_DEEP: Final = "[The parts of this mail are nested too deeply to be read. The source has all of it.]"

# A list needs the first lines only, and a mail may be one endless header.
MOST_HEAD: Final = 64 * 1024
END_OF_HEAD: Final = re.compile(rb"\r?\n\r?\n")

LONE_SURROGATES: Final = re.compile("[\ud800-\udfff]")


@attrs.frozen
class Mail:
    """One mail as it was handed in.

    Attributes:
        number: counts from 1 in the order of arrival; never given twice in one run.
        sender: the envelope's reverse path, empty for the null path of a bounce.
        recipients: the envelope's, so those who really get it.
        received: aware, UTC.
        author: the header From, and the envelope's sender where there is none.
        subject: the header, on one line; empty where there is none.
        source: the octets between DATA and the final dot, with dots unstuffed.
    """

    number: int
    sender: str
    recipients: tuple[str, ...]
    received: datetime
    author: str
    subject: str
    source: bytes = attrs.field(repr=False)


@attrs.frozen
class Content:
    """What a mail program would show: the decoded headers To, Reply-To and Date, and the first part of each kind."""

    to: str
    reply_to: str
    date: str
    text: str | None
    html: str | None


class Mails:
    """The newest mails in memory, bounded in number and in octets; the newest is kept whatever its size.

    Args:
        now: wall time, aware, UTC.
        most: mails kept.
        most_octets: the sum of their sources' lengths.
    """

    def __init__(self, now: Callable[[], datetime], *, most: int = MOST_MAILS, most_octets: int = MOST_OCTETS) -> None:
        self.most = most
        self._now = now
        self._most_octets = most_octets
        self._kept: deque[Mail] = deque()
        self._octets = 0
        self._number = 0

    def catch(self, sender: str, recipients: Iterable[str], source: bytes) -> Mail:
        """Keep one more mail, and let go of the oldest where there is no room for all."""
        self._number += 1
        head = _parsed(END_OF_HEAD.split(source[:MOST_HEAD], maxsplit=1)[0])
        mail = Mail(
            number=self._number,
            sender=_speakable(sender),
            recipients=tuple(_speakable(recipient) for recipient in recipients),
            received=self._now(),
            author=_header(head, "From") or _speakable(sender),
            subject=_header(head, "Subject"),
            source=source,
        )
        self._kept.append(mail)
        self._octets += len(source)
        self._let_go()
        return mail

    def newest_first(self) -> list[Mail]:
        """All that are kept."""
        return list(reversed(self._kept))

    def find(self, number: int) -> Mail | None:
        """The mail of this number, unless it never came or was let go."""
        return next((mail for mail in self._kept if mail.number == number), None)

    def _let_go(self) -> None:
        while len(self._kept) > self.most or (self._octets > self._most_octets and len(self._kept) > 1):
            self._octets -= len(self._kept.popleft().source)


def read(source: bytes) -> Content:
    """A mail's parts, as far as they can be read. Takes time in proportion to the source: call it in a thread."""
    try:
        message = _parsed(source)
        return Content(
            to=_header(message, "To"),
            reply_to=_header(message, "Reply-To"),
            date=_header(message, "Date"),
            text=_first_part(message, "text/plain"),
            html=_first_part(message, "text/html"),
        )
    except RecursionError:  # some nine hundred parts within one another
        return Content(to="", reply_to="", date="", text=TOO_DEEP, html=None)


def as_text(source: bytes) -> str:
    """The source as a page can show it. Call it in a thread, as `read`."""
    text = source[:MOST_SHOWN].decode("utf-8", "replace")
    return text if len(source) <= MOST_SHOWN else text + SOURCE_CUT


class _Utf8Headers(Compat32):
    """Takes octets above 127 in headers for UTF-8 (RFC 6532), where the parser itself leaves them undecoded.

    The older of the standard library's two policies, because it hands headers out as they are: the newer one parses
    each by its grammar, and raises on some that break it.
    """

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        return name, value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _parsed(source: bytes) -> Message:
    return BytesParser(policy=_Utf8Headers()).parsebytes(source)


def _header(message: Message, name: str) -> str:
    """A header's text on one line, its encoded words (RFC 2047) decoded where they can be; empty if it is missing."""
    value = str(message.get(name, ""))
    with suppress(LookupError, MessageError, ValueError):  # unknown charset, broken base64: shown as it came
        value = str(make_header(decode_header(value))) or value
    return _speakable(" ".join(value.split()))


def _first_part(message: Message, kind: str) -> str | None:
    for part in message.walk():
        if part.get_content_type() == kind and part.get_content_disposition() != "attachment":
            return _text_of(part)
    return None


def _text_of(part: Message) -> str:
    payload = part.get_payload(decode=True)
    octets = payload if isinstance(payload, bytes) else b""
    try:
        text = octets.decode(part.get_content_charset("utf-8"), "replace")
    except (LookupError, ValueError):  # a charset that Python has not, or that is no charset: rot13, undefined
        text = octets.decode("utf-8", "replace")
    return _speakable(text if len(text) <= MOST_SHOWN else text[:MOST_SHOWN] + CUT)


def _speakable(text: str) -> str:
    """The text without lone surrogates, which no encoding can put into a page or into JSON."""
    return LONE_SURROGATES.sub("\N{REPLACEMENT CHARACTER}", text)
