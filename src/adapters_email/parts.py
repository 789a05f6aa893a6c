"""Body parts of a mail in bytes (RFC 2045, RFC 2046): written once, with places that differ by recipient.

Everything is 7 bit, in lines of at most 76 octets that never begin with a dot or with ``From ``: so no relay has a
reason to change what was signed, and a dialogue has no dots to stuff (RFC 5321 §4.5.2).
"""

import base64
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, TypeAlias

import attrs

__all__ = ["Part", "alone", "alternatives", "prepared"]

CRLF = b"\r\n"
LINE_END = re.compile(r"\r\n|\r|\n")

SOFT = b"=\r\n"
"""A line break of the source alone: decoding drops it (RFC 2045 §6.7, rule 5)."""

QUOTED_LINE = 75
"""Octets of a line in quoted-printable, with room for the ``=`` that makes its end soft: 76 are allowed."""

BASE64_LINE_BYTES = 57
"""`base64.encodebytes` makes a line of 76 characters of them, the most that RFC 2045 §6.8 allows."""

UNSAFE = re.compile(rb"[^\t\r\n -<>-~]|(?<![ \t])[ \t]++(?=\r\n|\Z)")
"""What quoted-printable cannot show: all but visible ASCII without ``=``, and white space at the end of a line."""

CHANGED = (b".", b"From ")
"""Relays and mailboxes change lines that begin so (RFC 5321 §4.5.2, RFC 4155 §3)."""

AS_IT_IS = re.compile(r"(?!\.|From )[!-<>-~](?:[ -<>-~]{0,73}[!-<>-~])?")
"""A value that is its own quoted-printable in one line, as nearly all names and links are."""


class Part(Protocol):
    """A text part whose literals are encoded, and whose places are still open."""

    def filled(self, values: Iterable[str]) -> Sequence[bytes]:
        """Header fields and content, in pieces to be joined; it parses back to the literals with ``values`` between
        them, with CRLF for each line break.
        """


def prepared(subtype: str, literals: Sequence[str]) -> Part:
    """A part of these literals, with a place between each two of them.

    It is in quoted-printable, which a person can read in the source, unless base64 is shorter.
    """
    octets = [_octets(literal) for literal in literals]
    quoted = [_quoted(literal) for literal in octets]
    if sum(map(len, quoted)) <= sum(map(len, octets)) * 4 // 3:
        return _quoted_part(_header(subtype, "quoted-printable"), quoted)
    return _based_part(_header(subtype, "base64"), octets)


def alone(part: Sequence[bytes]) -> Sequence[bytes]:
    """A part that is the whole message: ended by CRLF, as SMTP demands, though its text may not end with a line break.

    A soft line break does that. Base64 ends with CRLF of its own.
    """
    last = next((piece for piece in reversed(part) if piece), b"")
    return part if last.endswith(CRLF) else (*part, SOFT)


def alternatives(boundary: str, parts: Sequence[Sequence[bytes]]) -> Sequence[bytes]:
    """Header fields and content of a multipart/alternative, the plainest part first (RFC 2046 §5.1.4)."""
    pieces = [f'Content-Type: multipart/alternative; boundary="{boundary}"\r\n'.encode()]
    for part in parts:
        pieces += (f"\r\n--{boundary}\r\n".encode(), *part)
    return (*pieces, f"\r\n--{boundary}--\r\n".encode())


def _header(subtype: str, encoding: str) -> bytes:
    header = f"Content-Type: text/{subtype}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return header.encode()


def _octets(text: str) -> bytes:
    """With CRLF for each line break, the form in which a text is encoded (RFC 2045 §6.8)."""
    return LINE_END.sub("\r\n", text).encode()


# Quoted-printable: soft line breaks around each value keep it from moving what stands behind it.


@attrs.frozen
class _QuotedPart(Part):
    """``literals`` are encoded; all but the last end in a line break."""

    literals: tuple[bytes, ...]

    def filled(self, values: Iterable[str]) -> Sequence[bytes]:
        pieces = [self.literals[0]]
        for value, literal in zip(values, self.literals[1:], strict=True):
            pieces += (_quoted_value(value), literal)
        return pieces


def _quoted_part(header: bytes, literals: Sequence[bytes]) -> Part:
    *before_values, last = literals
    first, *others = (*map(_broken_off, before_values), last)
    return _QuotedPart((header + first, *others))


def _quoted_value(value: str) -> bytes:
    """In lines of its own; no line at all where there is no value."""
    if AS_IT_IS.fullmatch(value):
        return value.encode() + SOFT
    return _broken_off(_quoted(_octets(value)))


def _broken_off(quoted: bytes) -> bytes:
    """So that what follows begins a line."""
    return quoted if not quoted or quoted.endswith(CRLF) else quoted + SOFT


def _quoted(octets: bytes) -> bytes:
    """Quoted-printable from the beginning of a line on; the last line has room for a soft break."""
    escaped = UNSAFE.sub(lambda unsafe: b"".join(b"=%02X" % octet for octet in unsafe[0]), octets)
    return CRLF.join(SOFT.join(_broken(line)) for line in escaped.split(CRLF))


def _broken(line: bytes) -> Iterator[bytes]:
    """A line in pieces that fit, cut beside ``=XX`` and never within (RFC 2045 §6.7)."""
    start = 0
    while True:
        lead = b""
        if line.startswith(CHANGED, start):
            lead, start = b"=%02X" % line[start], start + 1
        end = start + QUOTED_LINE - len(lead)
        if end >= len(line):
            yield lead + line[start:]
            return
        escape = line.find(b"=", end - 2, end)
        end = end if escape < 0 else escape
        yield lead + line[start:end]
        start = end


# Base64: three octets make four characters, so a literal is encoded for each of the three ways in which it may begin.


@attrs.frozen
class _Encoded:
    """``lines`` in base64, without padding; ``rest`` are up to two octets behind them, still to be encoded."""

    lines: bytes
    rest: bytes


_ThreeWays: TypeAlias = tuple[bytes, tuple[_Encoded, ...]]
"""A literal's first two octets; and what is encoded when none, one or two of them went into the group before."""


@attrs.frozen
class _BasedPart(Part):
    first: _Encoded
    others: tuple[_ThreeWays, ...]

    def filled(self, values: Iterable[str]) -> Sequence[bytes]:
        pieces, rest = [self.first.lines], self.first.rest
        for value, (head, ways) in zip(values, self.others, strict=True):
            octets = rest + _octets(value)
            taken = -len(octets) % 3
            joined = _encoded(octets + head[:taken])
            pieces += (joined.lines, ways[taken].lines)
            rest = joined.rest + ways[taken].rest
        return (*pieces, _lines(rest))


def _based_part(header: bytes, literals: Sequence[bytes]) -> Part:
    first = _encoded(literals[0])
    others = [(each[:2], tuple(_encoded(each[taken:]) for taken in range(3))) for each in literals[1:]]
    return _BasedPart(attrs.evolve(first, lines=header + first.lines), tuple(others))


def _encoded(octets: bytes) -> _Encoded:
    whole = len(octets) - len(octets) % 3
    return _Encoded(_lines(octets[:whole]), octets[whole:])


def _lines(octets: bytes) -> bytes:
    return base64.encodebytes(octets).replace(b"\n", CRLF)
