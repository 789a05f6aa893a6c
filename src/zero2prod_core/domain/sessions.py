"""Sessions: a random id in a cookie, of which the store keeps only the hash."""

import base64
import binascii
import hashlib
from datetime import timedelta
from uuid import UUID

import attrs

from zero2prod_core.domain.instants import Instant

ID_BYTES = 32
"""256 bits (ASVS 5.0 7.2.3 asks for 128)."""

IDLE = timedelta(hours=12)
"""A working day with breaks; a forgotten browser is logged out overnight."""

ABSOLUTE = timedelta(days=7)
"""Whoever stole a cookie has at most a week, however busy the session is kept."""

TOUCHED_EVERY = timedelta(minutes=1)
"""A session's last use is written at most this often, so that reading a page costs no write."""


@attrs.frozen
class SessionId:
    """What the cookie holds; ``hash`` is what the store knows."""

    secret: bytes = attrs.field(repr=False)

    @property
    def text(self) -> str:
        return base64.urlsafe_b64encode(self.secret).rstrip(b"=").decode()

    @property
    def hash(self) -> bytes:
        return hashlib.sha256(self.secret).digest()

    @classmethod
    def read(cls, text: str) -> "SessionId | None":
        """The id in a cookie's value, or None where it cannot be one."""
        try:
            secret = base64.b64decode(text + "=", altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        return cls(secret) if len(secret) == ID_BYTES else None


@attrs.frozen
class Session:
    """A login that has not ended: alive until the earlier of ``idle`` after its last use and ``expires_at``."""

    hash: bytes
    account: UUID
    created_at: Instant
    seen_at: Instant
    expires_at: Instant

    def alive(self, at: Instant) -> bool:
        return at < self.expires_at and at < self.seen_at + IDLE

    def due_for_touch(self, at: Instant) -> bool:
        return at >= self.seen_at + TOUCHED_EVERY


def new_session(session_id: SessionId, account: UUID, at: Instant) -> Session:
    return Session(session_id.hash, account, at, at, at + ABSOLUTE)
