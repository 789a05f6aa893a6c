"""Links that act: what stands in a mail, and what the store keeps of it.

A token's text is ``base64url(id ‖ mac)``: 128 random bits that the store knows, and 128 bits of a keyed MAC over
purpose and id that it does not. A dump of the database therefore holds no token that works, and a forged one is refused
without a look into the database. The text is made when the mail is sent or the link is shown, and is never stored.

Links to unsubscribe and to preferences, which stand in every issue, have no row: their id is the subscriber's, and they
hold for as long as their key is listed. The link to manage one's data has one, and is short-lived.
"""

import base64
import hmac
import re
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

import attrs

from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.keys import Key, KeyRing
from zero2prod_core.errors import FieldMissing, TokenMalformed, TokenUnknown

ID_BYTES = 16
MAC_BYTES = 16
"""128 bits each: guessing either is out of reach, and the text stays at 43 characters."""

SHAPE = re.compile(r"[A-Za-z0-9_-]{16,128}")
"""What could be a token, ours or an older implementation's: anything else is malformed rather than unknown."""


class Purpose(StrEnum):
    """What a token may be used for; it is part of the MAC."""

    CONFIRM = "confirm"
    SET_UP = "set_up"
    UNSUBSCRIBE = "unsubscribe"
    PREFERENCES = "preferences"
    MANAGE = "manage"


@attrs.frozen
class Token:
    """The stored half of a token.

    ``subject`` is the round (confirm), the account (set-up) or the subscriber (manage) that it acts on. A spent token
    of a confirmed round still answers as it did the first time, so it is kept until it expires.
    """

    id: UUID
    purpose: Purpose
    subject: UUID
    key_id: str
    issued_at: Instant
    expires_at: Instant
    spent_at: Instant | None = None

    def expired(self, at: Instant) -> bool:
        return at >= self.expires_at


class Presented(NamedTuple):
    """What a token's text says: its id, and the key that made it."""

    id: UUID
    key: Key


def token_text(key: Key, purpose: Purpose, token_id: UUID) -> str:
    """The 43 characters that stand in a link."""
    return base64.urlsafe_b64encode(token_id.bytes + _mac(key, purpose, token_id.bytes)).rstrip(b"=").decode()


def read_token(ring: KeyRing, purpose: Purpose, text: str, field: str = "subscription_token") -> Presented:
    """The id inside a token's text and the key that made it, which is looked for in constant time.

    Raises:
        FieldMissing: the text is empty.
        TokenMalformed: it cannot be a token.
        TokenUnknown: it could be one, but not one of ours for this purpose.
    """
    if not text:
        raise FieldMissing(field)
    if not SHAPE.fullmatch(text):
        raise TokenMalformed(field)
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)) if len(text) % 4 != 1 else b""
    token_id, mac = raw[:ID_BYTES], raw[ID_BYTES:]
    makers = [key for key in ring if hmac.compare_digest(_mac(key, purpose, token_id), mac)]
    # The last character of base64 has bits to spare: there is one text for each token, and no other is taken.
    if not makers or token_text(makers[0], purpose, UUID(bytes=token_id)) != text:
        raise TokenUnknown
    return Presented(UUID(bytes=token_id), makers[0])


def _mac(key: Key, purpose: Purpose, token_id: bytes) -> bytes:
    return key.mac(f"token/{purpose}", token_id)[:MAC_BYTES]
