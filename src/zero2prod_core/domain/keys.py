"""Secret keys, newest first, so that a new one can be put in front while old values stay readable.

Each use of a key derives its own sub-key, ``HMAC-SHA-256(secret, purpose)``, so that a value made for one purpose
proves nothing for another. Every keyed value stores the id of its key.
"""

import hashlib
import hmac
from collections.abc import Iterator
from functools import lru_cache

import attrs

from zero2prod_core.errors import SettingInvalid

SHORTEST_SECRET = 32
"""Bytes: as long as the digest it keys (RFC 2104 §3)."""

SETTING = "ZERO2PROD_SECRET_KEYS"


@attrs.frozen
class Key:
    """One secret with the id that stored values name it by."""

    id: str
    secret: bytes = attrs.field(repr=False)

    def mac(self, purpose: str, data: bytes) -> bytes:
        """The 32 byte HMAC-SHA-256 of ``data`` under this key's sub-key for ``purpose``."""
        return hmac.digest(_sub_key(self.secret, purpose), data, "sha256")


@lru_cache(maxsize=64)
def _sub_key(secret: bytes, purpose: str) -> bytes:
    """A handful of keys and purposes, asked for with every mail."""
    return hmac.digest(secret, purpose.encode(), "sha256")


@attrs.frozen
class KeyRing:
    """At least one key; the first is the one that makes new values, all of them read old ones."""

    keys: tuple[Key, ...]

    @property
    def newest(self) -> Key:
        return self.keys[0]

    def __iter__(self) -> Iterator[Key]:
        return iter(self.keys)

    def find(self, key_id: str) -> Key | None:
        return next((key for key in self.keys if key.id == key_id), None)

    @classmethod
    def parse(cls, text: str) -> "KeyRing":
        """Read ``id:hex`` or bare ``hex`` entries, comma-separated, newest first.

        A bare entry's id is the first 8 hex digits of its SHA-256, so that it stays the same wherever it stands.

        Raises:
            SettingInvalid: no key, a key that is no hex or too short, or an id that stands twice.
        """
        keys = tuple(_parse_key(entry.strip()) for entry in text.split(",") if entry.strip())
        if not keys:
            raise SettingInvalid(SETTING, "is empty. Give at least one key of 64 hex digits.")
        if len({key.id for key in keys}) < len(keys):
            raise SettingInvalid(SETTING, "names one key id twice. Give each key an id of its own.")
        return cls(keys)


def _parse_key(entry: str) -> Key:
    key_id, colon, digits = entry.rpartition(":")
    try:
        secret = bytes.fromhex(digits)
    except ValueError:
        raise SettingInvalid(SETTING, "holds a key that is not hexadecimal. Write id:hex or hex.") from None
    if len(secret) < SHORTEST_SECRET:
        raise SettingInvalid(SETTING, f"holds a key of {len(secret)} bytes. Use at least {SHORTEST_SECRET}.")
    if colon and not key_id:
        raise SettingInvalid(SETTING, "holds a key with an empty id. Write id:hex or hex.")
    return Key(key_id or hashlib.sha256(secret).hexdigest()[:8], secret)
