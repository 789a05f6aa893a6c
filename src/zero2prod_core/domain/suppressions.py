"""E-mail addresses that must not be mailed, known by keyed digest only."""

from enum import StrEnum

import attrs

from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.keys import Key, KeyRing


class Reason(StrEnum):
    """Why; an e-mail address may be suppressed for several reasons at once."""

    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    ERASURE = "erasure"
    IMPORT = "import"
    MANUAL = "manual"


LIFTED_BY_CONFIRMING = frozenset({Reason.BOUNCE, Reason.ERASURE})
"""The person's own sign-up may be mailed a confirmation, and confirming lifts these; the others only staff lift."""

LIFTED_BY_STAFF = frozenset(Reason) - {Reason.ERASURE}
"""Who was erased is nobody whom staff could bring back."""

BLOCKS_ACCOUNT_MAIL = frozenset({Reason.BOUNCE})
"""Staff must get their set-up and reset links whatever they think of our newsletters."""


@attrs.frozen
class Digest:
    """The keyed digest of an e-mail address's unique key: 32 bytes, with the id of the key that made it."""

    key_id: str
    value: bytes


@attrs.frozen
class Suppression:
    """One reason not to mail one e-mail address, over all newsletters; ``note`` is what a member of staff typed."""

    digest: Digest
    reason: Reason
    created_at: Instant
    note: str | None = None


def digest(key: Key, email: EmailAddress) -> Digest:
    return Digest(key.id, key.mac("suppression", email.key.encode()))


def digests(ring: KeyRing, email: EmailAddress) -> tuple[Digest, ...]:
    """Under every listed key, newest first: a suppression written under an old key still holds."""
    return tuple(digest(key, email) for key in ring)


def may_sign_up(reasons: frozenset[Reason]) -> bool:
    return reasons <= LIFTED_BY_CONFIRMING
