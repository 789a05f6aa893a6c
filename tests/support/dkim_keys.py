"""Private keys for tests, each kind made once."""

from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from adapters_email.dkim import DkimKey


@cache
def rsa_key(domain: str | None = None) -> DkimKey:
    return DkimKey("mail", domain, generate_private_key(65537, 2048))


@cache
def ed25519_key(domain: str | None = None) -> DkimKey:
    return DkimKey("ed", domain, Ed25519PrivateKey.generate())


def write_pem(path: Path, key: PrivateKeyTypes, password: bytes | None = None) -> Path:
    """A file as `openssl genpkey` writes it."""
    lock: KeySerializationEncryption = BestAvailableEncryption(password) if password else NoEncryption()
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock))
    return path
