"""Moments that we have signed: what comes back with a form says when we gave it, and only we can have made it.

A stamp's text is ``base64url(milliseconds ‖ mac)``, 32 characters. Nothing is stored for it, and it names nobody.
"""

import base64
import binascii
import hmac
from datetime import UTC, datetime, timedelta

from zero2prod_core.domain.keys import Key, KeyRing

TIME_BYTES = 8
"""Of milliseconds since 1970, big-endian: fine enough for a wait of seconds, and 585 million years long."""

MAC_BYTES = 16
"""128 bits: guessing it is out of reach."""

LENGTH = 32
"""Characters: 24 bytes fill them without padding, so that there is one text for each stamp."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def stamp(key: Key, purpose: str, at: datetime, bound: bytes = b"") -> str:
    """The text for this moment; it counts for ``purpose`` alone, and together with ``bound`` alone."""
    time = int((at - EPOCH) / timedelta(milliseconds=1)).to_bytes(TIME_BYTES, "big")
    return base64.urlsafe_b64encode(time + _mac(key, purpose, time, bound)).decode()


def read_stamp(ring: KeyRing, purpose: str, text: str, bound: bytes = b"") -> datetime | None:
    """The moment, to the millisecond; None where the text is no stamp of ours for this purpose and ``bound``."""
    if len(text) != LENGTH or not text.isascii():
        return None
    try:
        raw = base64.b64decode(text, altchars=b"-_", validate=True)
    except binascii.Error:
        return None
    time, mac = raw[:TIME_BYTES], raw[TIME_BYTES:]
    if not any(hmac.compare_digest(_mac(key, purpose, time, bound), mac) for key in ring):
        return None
    return EPOCH + timedelta(milliseconds=int.from_bytes(time, "big"))


def _mac(key: Key, purpose: str, time: bytes, bound: bytes) -> bytes:
    return key.mac(f"stamp/{purpose}", time + bound)[:MAC_BYTES]
