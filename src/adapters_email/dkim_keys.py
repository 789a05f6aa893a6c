"""The DKIM keys that the setting names, and what their domains publish."""

import base64
from collections.abc import Sequence
from pathlib import Path

import attrs
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from adapters_email.dkim import DkimKey, Private
from adapters_email.dkim_setting import KeyFile, refuse_setting

__all__ = ["TxtRecord", "loaded", "published"]

LEAST_RSA, MOST_RSA = 1024, 4096
"""Bits: verifiers ignore signatures of shorter keys (RFC 8301 §3.2), and a longer one's record is more than DNS is made
for. 2048 is what everybody takes.
"""


LARGEST_FILE = 64 * 1024
"""Bytes: many times the longest key in PEM, with whatever somebody noted beside it."""


def loaded(files: Sequence[KeyFile]) -> Sequence[DkimKey]:
    """The keys in the files, which are PEM, of RSA or Ed25519, and not locked by a password.

    Raises:
        SettingInvalid: which file cannot be used, why, and what to do.
    """
    return [DkimKey(file.selector, file.domain, _private(file.path)) for file in files]


@attrs.frozen
class TxtRecord:
    """What a domain publishes in the DNS, so that everybody can check its signatures (RFC 6376 §3.6)."""

    name: str
    value: str


def published(key: DkimKey, domain: str) -> TxtRecord:
    """The record of a key; ``domain`` is the From's where the key has none of its own."""
    public = key.private.public_key()
    if isinstance(key.private, Ed25519PrivateKey):
        kind, octets = "ed25519", public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    else:
        kind, octets = "rsa", public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    name = f"{key.selector}._domainkey.{key.domain or domain}"
    return TxtRecord(name, f"v=DKIM1; k={kind}; p={base64.b64encode(octets).decode()}")


def _private(path: Path) -> Private:
    try:
        private = load_pem_private_key(_octets(path), None)
    except OSError as error:
        refuse_setting(f"names {path}, which cannot be read ({error.strerror}). Give a file that this user may read.")
    except TypeError:
        refuse_setting(f"names {path}, which is locked by a password. Give a key without one.")
    except (ValueError, UnsupportedAlgorithm):
        refuse_setting(f"names {path}, which is no private key in PEM. Make one as the how-to sign-with-dkim says.")
    if isinstance(private, Ed25519PrivateKey):
        return private
    if not isinstance(private, RSAPrivateKey):
        refuse_setting(
            f"names {path}, whose key is neither RSA nor Ed25519. Make one as the how-to sign-with-dkim says."
        )
    if not LEAST_RSA <= private.key_size <= MOST_RSA:
        rule = f"names {path}, whose RSA key has {private.key_size} bits"
        refuse_setting(f"{rule}. Make one of {LEAST_RSA} to {MOST_RSA}; 2048 is best.")
    return private


def _octets(path: Path) -> bytes:
    """The file's, if it is one of a key's size: opening a pipe would wait for whoever writes to it."""
    if path.exists() and not path.is_file():
        refuse_setting(f"names {path}, which is no regular file. Give the file with the key.")
    with path.open("rb") as file:
        octets = file.read(LARGEST_FILE + 1)
    if len(octets) > LARGEST_FILE:
        refuse_setting(
            f"names {path}, which is larger than {LARGEST_FILE // 1024} KiB. Give a file with nothing but the key."
        )
    return octets
