"""The grammar of a mail's header fields in bytes (RFC 5322, RFC 2047).

Everything here is 7 bit, so that every relay takes it unchanged. The one exception is a field with an e-mail address
that needs SMTPUTF8 (RFC 6532).
"""

import base64
import re
from collections.abc import Iterator, Sequence

from zero2prod_core.errors import Defect

__all__ = [
    "field",
    "mailbox",
    "named",
    "refuse_control",
    "unstructured",
]

CONTROL = re.compile(r"[\x00-\x1f\x7f]")
PLAIN = re.compile(r"[ -~]*")

ENCODED_WORD_BYTES = 42
"""Base64 makes 56 characters of them; with ``=?utf-8?B?`` and ``?=`` 68, below the 75 of RFC 2047 §2."""

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
