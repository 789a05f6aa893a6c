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

FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:([^\r]*(?:\r\n[ \t][^\r]*)*)\r\n")
WHITE = re.compile(rb"(?:\r\n)?[ \t]+")
WHITE_IN_BODY = re.compile(rb"[ \t]+(?=(\r\n)?)")
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


def sign(keys: Sequence[DkimKey], content: bytes) -> bytes:
    """The mail under a signature of each key that vouches for its From, the first on top; without one, as it is.

    The time of signing is the mail's Date, so that the same mail has the same signatures.

    Args:
        content: the mail in its final form, with CRLF line ends.

    Raises:
        Defect: it has no Date.
    """
    header, _, body = content.partition(b"\r\n\r\n")
    fields = _fields(header + b"\r\n")
    domain = _domain(fields)
    vouching = [key for key in keys if domain and key.vouches_for(domain)]
    if not vouching:
        return content
    if b"date" not in fields:
        raise Defect("a mail without Date cannot be signed")
    names = [name for name in SIGNED if name.encode() in fields]
    body_hash = base64.b64encode(hashlib.sha256(_relaxed_body(body)).digest()).decode()
    told = _Told(domain, _seconds(fields[b"date"]), (*names, *OVERSIGNED), body_hash)
    covered = b"".join(_relaxed(name.encode(), fields[name.encode()]) for name in names)
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
    value = b"\r\n ".join(line.encode() for line in _lines(key, told))
    signature = key.signature(covered + _relaxed(b"dkim-signature", value)[:-2])
    encoded = base64.b64encode(signature)
    chunks = [encoded[start : start + BASE64_LINE] for start in range(0, len(encoded), BASE64_LINE)]
    return b"DKIM-Signature: " + b"\r\n ".join((value, *chunks)) + b"\r\n"


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
    """Name in lower case → value, of the lowest where a name is there twice, as signatures count (RFC 6376 §5.4.2)."""
    return {name.lower(): value for name, value in FIELD.findall(header)}


def _relaxed(name: bytes, value: bytes) -> bytes:
    """RFC 6376 §3.4.2."""
    return b"%b:%b\r\n" % (name, WHITE.sub(b" ", value).strip())


def _relaxed_body(body: bytes) -> bytes:
    """RFC 6376 §3.4.4. Bodies of ours nearly always are so already, which costs no more than a look."""
    if b"  " in body or b"\t" in body or b" \r\n" in body:
        body = WHITE_IN_BODY.sub(lambda run: b"" if run[1] else b" ", body)
    body = body.rstrip(b"\r\n")
    return body + b"\r\n" if body else body


def _domain(fields: dict[bytes, bytes]) -> str:
    """The domain of From in lower case; '' where it has none."""
    found = FROM_DOMAIN.search(fields.get(b"from", b""))
    return found[1].decode().lower() if found else ""


@lru_cache
def _seconds(date: bytes) -> int:
    return int(parsedate_to_datetime(date.decode().strip()).timestamp())
