"""Doing a thing once although it was asked for twice."""

from datetime import timedelta
from uuid import UUID

import attrs

from zero2prod_core.domain.instants import Instant
from zero2prod_core.errors import FieldInvalid, FieldMissing, IdempotencyKeyReused

LONGEST_KEY = 50
"""Characters, as in the reference's form."""

KEPT_FOR = timedelta(hours=24)
"""Longer than any client's retries; then the key may be used anew."""


@attrs.frozen
class IdempotencyKey:
    """1–50 printable characters chosen by the caller."""

    text: str

    @classmethod
    def parse(cls, raw: str, field: str = "idempotency_key") -> "IdempotencyKey":
        if not raw:
            raise FieldMissing(field)
        if len(raw) > LONGEST_KEY or not raw.isprintable():
            raise FieldInvalid(field, f"must be 1 to {LONGEST_KEY} printable characters")
        return cls(raw)


@attrs.frozen
class IdempotencyRecord:
    """What a key was used for: bound to the newsletter and to the fingerprint (SHA-256) of the content."""

    newsletter: UUID
    key: IdempotencyKey
    fingerprint: bytes
    actor: str
    issue: UUID
    created_at: Instant

    def answer_to(self, fingerprint: bytes) -> UUID:
        """The issue that the first request made, if this one asks for the same.

        Raises:
            IdempotencyKeyReused: it asks for something else.
        """
        if fingerprint != self.fingerprint:
            raise IdempotencyKeyReused
        return self.issue
