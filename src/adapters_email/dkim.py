"""DKIM signatures (RFC 6376, RFC 8463): who vouches for a mail, told so that nobody on the way can change it unseen.

Both header and body are canonicalised ``relaxed``: relays may refold fields, and some do.
"""

import base64
import hashlib
import re
from collections.abc import Iterator, Sequence
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import TypeAlias

import attrs
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

from zero2prod_core.errors import Defect

__all__ = ["DkimKey", "Private", "sign"]

Private: TypeAlias = RSAPrivateKey | Ed25519PrivateKey

SIGNED = (
    "from", "reply-to", "to", "subject", "date", "message-id", "mime-version", "content-type",
    "content-transfer-encoding", "auto-submitted", "list-id", "list-unsubscribe", "list-unsubscribe-post",
    "feedback-id",
)  # fmt: skip
"""The fields that a signature covers where they are there: all that say what a mail is and where it leads (RFC 6376
§5.4.1), what a one-click link needs (RFC 8058 §4), and the one by which providers sum up complaints.
"""

OVERSIGNED = ("from",)
"""Named once more than it is there: a second one that is added on the way breaks the signature (RFC 6376 §8.15)."""

BASE64_LINE = 72
"""Characters of the signature in one line of the header, which has a space before them."""

NAMES_IN_LINE = 4
"""Field names in one line of ``h``: the longest four stay within 76 characters."""

PIECES_KEPT = 64
"""Of bodies, in their canonical form: the four or so long ones of each letter that is being sent, and some more."""

LONG_PIECE = 512
"""Octets from which a piece is an author's words, and worth keeping: a reader's name or link is nearly always less."""

FROM_DOMAIN = re.compile(rb"@([A-Za-z0-9.-]+)>?[ \t]*\Z")


@attrs.frozen
class DkimKey:
    """A private key, and the selector under which its public one stands in the DNS.

    ``domain`` is whose key it is; None means of every From's own.
    """

    selector: str
    domain: str | None
    private: Private = attrs.field(repr=False)

    @property
    def is_quick(self) -> bool:
        """Whether signing takes less time than handing it to a thread and back."""
        return isinstance(self.private, Ed25519PrivateKey)

    @property
    def algorithm(self) -> str:
        return "ed25519-sha256" if isinstance(self.private, Ed25519PrivateKey) else "rsa-sha256"

    def vouches_for(self, domain: str) -> bool:
        """Whether it is a key of this domain, or of one above it, which DMARC takes as well (RFC 7489 §3.1.1)."""
        return self.domain is None or domain == self.domain or domain.endswith(f".{self.domain}")

    def signature(self, octets: bytes) -> bytes:
        """The same each time: neither of the two algorithms draws anything at random."""
        if isinstance(self.private, Ed25519PrivateKey):
            return self.private.sign(hashlib.sha256(octets).digest())
        return self.private.sign(octets, PKCS1v15(), SHA256())


def sign(keys: Sequence[DkimKey], content: bytes, pieces: Sequence[bytes] = ()) -> bytes:
    """The mail under a signature of each key that vouches for its From, the first on top; without one, as it is.

    The time of signing is the mail's Date, so that the same mail has the same signatures.

    Args:
        content: the mail in its final form, with CRLF line ends.
        pieces: what its end was put together from, where that is known: all of the body, and maybe some of the header
            before it; no white space goes on from one to the next. The long ones are made canonical once for all mails
            that have the same objects.

    Raises:
        Defect: it has no Date.
    """
    header, _, body = content.partition(b"\r\n\r\n")
    fields = _fields(header)
    domain = _domain(fields)
    vouching = [key for key in keys if domain and key.vouches_for(domain)]
    if not vouching:
        return content
    if b"date" not in fields:
        raise Defect("a mail without Date cannot be signed")
    names = [name for name in SIGNED if name.encode() in fields]
    relaxed = _joined(pieces) if pieces else _relaxed_lines(body)
    body_hash = base64.b64encode(hashlib.sha256(_ended(relaxed)).digest()).decode()
    told = _Told(domain, _seconds(fields[b"date"]), (*names, *OVERSIGNED), body_hash)
    covered = b"".join(b"%b:%b\r\n" % (name.encode(), fields[name.encode()]) for name in names)
    return b"".join((*(_signature(key, told, covered) for key in vouching), content))


@attrs.frozen
class _Told:
    """What the signatures of a mail say alike."""

    domain: str
    time: int
    names: Sequence[str]
    body_hash: str


def _signature(key: DkimKey, told: _Told, covered: bytes) -> bytes:
    """The field, which signs itself too, with an empty value of ``b`` (RFC 6376 §3.7)."""
    lines = [line.encode() for line in _lines(key, told)]
    signature = key.signature(covered + b"dkim-signature:" + b" ".join(lines))
    encoded = base64.b64encode(signature)
    chunks = [encoded[start : start + BASE64_LINE] for start in range(0, len(encoded), BASE64_LINE)]
    return b"DKIM-Signature: " + b"\r\n ".join((*lines, *chunks)) + b"\r\n"


def _lines(key: DkimKey, told: _Told) -> Iterator[str]:
    yield f"v=1; a={key.algorithm}; c=relaxed/relaxed;"
    yield f"d={key.domain or told.domain}; s={key.selector}; t={told.time};"
    yield from _folded("h=", told.names)
    yield f"bh={told.body_hash};"
    yield "b="


def _folded(lead: str, names: Sequence[str]) -> Iterator[str]:
    for start in range(0, len(names), NAMES_IN_LINE):
        ends = ";" if start + NAMES_IN_LINE >= len(names) else ":"
        yield lead + ":".join(names[start : start + NAMES_IN_LINE]) + ends
        lead = ""


def _fields(header: bytes) -> dict[bytes, bytes]:
    """Name in lower case → value in canonical form (RFC 6376 §3.4.2), of the lowest where a name is there twice, as
    signatures count (RFC 6376 §5.4.2).
    """
    unfolded = header.replace(b"\r\n ", b" ").replace(b"\r\n\t", b" ")
    fields = (line.partition(b":") for line in _single(unfolded).split(b"\r\n"))
    return {name.rstrip(b" ").lower(): value.strip(b" ") for name, _, value in fields}


def _single(lines: bytes) -> bytes:
    """With one space for each run of white space within a line."""
    lines = lines.replace(b"\t", b" ")
    while b"  " in lines:
        lines = lines.replace(b"  ", b" ")
    return lines


def _relaxed_lines(lines: bytes) -> bytes:
    """The canonical form of a body's whole lines (RFC 6376 §3.4.4), all but the body's end."""
    return _single(lines).replace(b" \r\n", b"\r\n")


_relaxed_piece = lru_cache(PIECES_KEPT)(_relaxed_lines)


def _joined(pieces: Sequence[bytes]) -> bytes:
    relaxed = (_relaxed_piece(piece) if len(piece) >= LONG_PIECE else _relaxed_lines(piece) for piece in pieces)
    return b"".join(relaxed).partition(b"\r\n\r\n")[2]


def _ended(body: bytes) -> bytes:
    """With one line end after its last line, and none where there is nothing (RFC 6376 §3.4.4)."""
    body = body.rstrip(b"\r\n")
    return body + b"\r\n" if body else body


def _domain(fields: dict[bytes, bytes]) -> str:
    """The domain of From in lower case; '' where it has none."""
    found = FROM_DOMAIN.search(fields.get(b"from", b""))
    return found[1].decode().lower() if found else ""


@lru_cache
def _seconds(date: bytes) -> int:
    return int(parsedate_to_datetime(date.decode().strip()).timestamp())
