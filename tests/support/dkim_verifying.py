"""Whether a mail's signatures hold, as dkimpy finds, which shares no line with our signer."""

import base64
from collections.abc import Sequence
from types import SimpleNamespace

import dkim  # type: ignore[import-untyped]  # it has no annotations
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from adapters_email.dkim import DkimKey
from adapters_email.dkim_keys import published


class _VerifyKey:
    """What dkimpy asks of PyNaCl, which is none of our dependencies: the arithmetic alone."""

    def __init__(self, octets: bytes, encoder: object) -> None:
        self._key = Ed25519PublicKey.from_public_bytes(base64.b64decode(octets))

    def verify(self, message: bytes, signature: bytes) -> None:
        self._key.verify(signature, message)


NACL = SimpleNamespace(
    signing=SimpleNamespace(VerifyKey=_VerifyKey),
    encoding=SimpleNamespace(Base64Encoder=None),
    exceptions=SimpleNamespace(BadSignatureError=InvalidSignature),
)


def verdicts(content: bytes, keys: Sequence[DkimKey], domain: str) -> list[bool]:
    """For each signature of the mail, from the top; the DNS has the records of ``keys``, of the From's ``domain``."""
    dkim.nacl = NACL
    records = [published(key, domain) for key in keys]
    texts = {f"{record.name}.".encode(): record.value.encode() for record in records}

    def txt(name: bytes, timeout: int = 0) -> bytes | None:
        return texts.get(name)

    mail = dkim.DKIM(content, minkey=1024)
    signatures = [name for name, _ in mail.headers if name.lower() == b"dkim-signature"]
    return [bool(_verified(mail, index, txt)) for index in range(len(signatures))]


def _verified(mail: dkim.DKIM, index: int, txt: object) -> bool:
    try:
        return bool(mail.verify(index, dnsfunc=txt))
    except dkim.DKIMException:
        return False
