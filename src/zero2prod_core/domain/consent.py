"""Evidence of what a person agreed to, when, and how we know (GDPR Art. 7(1))."""

from enum import StrEnum
from uuid import UUID

import attrs

from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.origins import Origin


class ConsentKind(StrEnum):
    """What happened: the form was sent, the mailbox's owner confirmed, or whoever has an issue's link withdrew."""

    REQUESTED = "requested"
    CONFIRMED = "confirmed"
    WITHDRAWN = "withdrawn"


@attrs.frozen
class Evidence:
    """Where a request came from and what its sender saw.

    ``source`` says by which way (``form``, ``json``, ``mail``, ``one-click``, ``staff``, ``complaint``, ``terminal``);
    ``form_version`` and ``form_hash`` (SHA-256, hex) name the text of the form, where we know it. Erasure empties the
    personal parts of ``origin``.
    """

    origin: Origin
    source: str
    form_version: str | None = None
    form_hash: str | None = None


@attrs.frozen
class Consent:
    """One record; no verb but erasure changes it.

    ``round`` is the sign-up's; None for a withdrawal, which ends all of them. ``message_id`` is that of the mail that
    was confirmed.
    """

    id: UUID
    kind: ConsentKind
    subscriber: UUID
    round: UUID | None
    occurred_at: Instant
    evidence: Evidence
    message_id: str | None = None
