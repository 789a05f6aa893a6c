"""The grammar of a mail in bytes: header fields (RFC 5322, RFC 2047) and body parts (RFC 2045, RFC 2046).

Everything here is 7 bit, and text is broken into lines of at most 76 octets, so that every relay takes it unchanged.
The one exception is a field with an e-mail address that needs SMTPUTF8 (RFC 6532).
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Sequence

import attrs

from zero2prod_core.errors import Defect

__all__ = [
    "BegunPart",
    "alternatives",
    "begun",
    "field",
    "mailbox",
    "named",
    "part",
    "refuse_control",
    "terminated",
    "unstructured",
]

CRLF = b"\r\n"
LINE_END = re.compile(r"\r\n|\r|\n")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
PLAIN = re.compile(r"[ -~]*")

ENCODED_WORD_BYTES = 42
"""Base64 makes 56 characters of them; with ``=?utf-8?B?`` and ``?=`` 68, below the 75 of RFC 2047 §2."""

BASE64_LINE_BYTES = 57
"""`base64.encodebytes` makes a line of 76 characters of them, the most that RFC 2045 §6.8 allows."""

LONGEST_PLAIN = 900
"""Characters sent in one line: with the field's name below the 998 octets of RFC 5322 §2.1.1."""


def field(name: str, *lines: str) -> bytes:
    """One header field, folded between ``lines``, which have their final form.

    Raises:
        Defect: a line holds a line break, a NUL or another control character.
    """
    refuse_control(name, *lines)
    value = "\r\n ".join(lines)
    return f"{name}: {value}\r\n".encode()


def unstructured(text: str) -> Sequence[str]:
    """The lines of Subject: the text where it is plain, else encoded words that together decode to it."""
    refuse_control(text)
    if PLAIN.fullmatch(text) and "=?" not in text and text == text.strip() and len(text) <= LONGEST_PLAIN:
        return [text]
    chunks = _chunks(text, ENCODED_WORD_BYTES)
    return [f"=?utf-8?B?{base64.b64encode(chunk).decode()}?=" for chunk in chunks]


def mailbox(name: str, email: str) -> Sequence[str]:
    """The lines of a display name, quoted or encoded, with an e-mail address (RFC 5322 §3.4)."""
    return named(name, f"<{email}>")


def named(name: str, bracketed: str) -> Sequence[str]:
    """The lines of a phrase, quoted or encoded, before what stands in angle brackets."""
    lines = unstructured(name)
    if lines != [name]:
        return [*lines, bracketed]
    quoted = name.replace("\\", r"\\").replace('"', r"\"")
    return [f'"{quoted}" {bracketed}']


@attrs.frozen
class BegunPart:
    """A text part whose beginning is written, so that every ending costs no more than itself.

    ``written`` are header fields and encoded lines that no ending can change; ``open_line`` is what must be encoded
    together with the ending.
    """

    written: bytes
    open_line: bytes
    encode: Callable[[bytes], bytes]

    def ended(self, ending: str) -> bytes:
        """Header fields and content; it parses back to beginning and ending, with CRLF for each line break."""
        return self.written + self.encode(self.open_line + _octets(ending))


def begun(subtype: str, beginning: str) -> BegunPart:
    """A text part that begins so, in quoted-printable, which a person can read in the source, unless base64 is shorter.

    Quoted-printable is cut where a line of the text ends, base64 where one of its own lines does (RFC 2045 §6.7, §6.8).
    """
    octets = _octets(beginning)
    if len(_quoted(octets)) <= len(_based(octets)):
        encoding, encode, cut = "quoted-printable", _quoted, octets.rfind(CRLF) + len(CRLF) if CRLF in octets else 0
    else:
        encoding, encode, cut = "base64", _based, len(octets) - len(octets) % BASE64_LINE_BYTES
    header = f"Content-Type: text/{subtype}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return BegunPart(header.encode() + encode(octets[:cut]), octets[cut:], encode)


def part(subtype: str, text: str) -> bytes:
    """Header fields and content of a text part; it parses back to ``text``, with CRLF for each of its line breaks."""
    return begun(subtype, text).ended("")


def terminated(part: bytes) -> bytes:
    """A part that is the whole message: ended by CRLF, as SMTP demands, though its text may not end with a line break.

    A soft line break does that (RFC 2045 §6.7, rule 5). Base64 ends with CRLF of its own.
    """
    return part if part.endswith(CRLF) else part + b"=" + CRLF


def alternatives(boundary: str, parts: Sequence[bytes]) -> bytes:
    """Header fields and content of a multipart/alternative, the plainest part first (RFC 2046 §5.1.4)."""
    header = f'Content-Type: multipart/alternative; boundary="{boundary}"\r\n\r\n'.encode()
    delimiter = b"--" + boundary.encode()
    # Parts are large, so they are copied once.
    body = (piece for each in parts for piece in (delimiter, CRLF, each, CRLF))
    return b"".join((header, *body, delimiter, b"--", CRLF))


def _octets(text: str) -> bytes:
    """With CRLF for each line break, the form in which a text is encoded (RFC 2045 §6.8)."""
    return LINE_END.sub("\r\n", text).encode()


def _quoted(octets: bytes) -> bytes:
    return binascii.b2a_qp(octets.replace(CRLF, b"\n"), istext=True).replace(b"\n", CRLF)


def _based(octets: bytes) -> bytes:
    return base64.encodebytes(octets).replace(b"\n", CRLF)


def refuse_control(*texts: str) -> None:
    """Let pass only what cannot begin another field.

    Raises:
        Defect: a text holds a line break, a NUL or another control character.
    """
    if any(CONTROL.search(text) for text in texts):
        raise Defect("a control character was on its way into a mail's header")


def _chunks(text: str, most: int) -> Iterator[bytes]:
    """``text`` in UTF-8, cut between characters into pieces of at most ``most`` bytes (RFC 2047 §5)."""
    chunk = b""
    for character in text:
        octets = character.encode()
        if len(chunk) + len(octets) > most:
            yield chunk
            chunk = b""
        chunk += octets
    yield chunk
