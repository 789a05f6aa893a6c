"""Audit events: one for every action that changes state, written with the change.

The event's canonical text (RFC 8785) is what a later seal covers. Personal parts stand apart, erasable; the event holds
only their hash, salted with a value that is erased along with them.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC
from enum import StrEnum
from uuid import UUID

import attrs

from zero2prod_core.domain.canonical import canonical_json
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.origins import Origin

SALT_BYTES = 16
"""128 bits: a network address alone has 32, and its bare hash could be searched."""


class Action(StrEnum):
    """Names from the OWASP logging vocabulary where it has one, ``subscriber_*`` and ``issue_*`` for our own domain."""

    LOGIN_SUCCESS = "authn_login_success"
    LOGIN_FAIL = "authn_login_fail"
    LOGOUT = "authn_logout"
    PASSWORD_CHANGE = "authn_password_change"  # noqa: S105 the name of an action
    PASSWORD_CHANGE_FAIL = "authn_password_change_fail"  # noqa: S105 the name of an action
    TOKEN_CREATED = "authn_token_created"  # noqa: S105 the name of an action
    USER_CREATED = "user_created"
    NEWSLETTER_CREATED = "newsletter_created"
    NEWSLETTER_CHANGED = "newsletter_changed"
    SUBSCRIBER_SIGNED_UP = "subscriber_signed_up"
    SUBSCRIBER_CONFIRMED = "subscriber_confirmed"
    SUBSCRIBER_UNSUBSCRIBED = "subscriber_unsubscribed"
    SUBSCRIBER_BOUNCED = "subscriber_bounced"
    SUBSCRIBER_CHANGED = "subscriber_changed"
    SUBSCRIBER_COMPLAINED = "subscriber_complained"
    SUBSCRIBER_COMPLAINT_LIFTED = "subscriber_complaint_lifted"
    SUBSCRIBER_ERASED = "subscriber_erased"
    SUPPRESSION_ADDED = "suppression_added"
    SUPPRESSION_LIFTED = "suppression_lifted"
    SUPPRESSIONS_IMPORTED = "suppressions_imported"
    LIMIT_EXCEEDED = "excess_rate_limit_exceeded"
    SENSITIVE_READ = "sensitive_read"
    ISSUE_PUBLISHED = "issue_published"
    ISSUE_PAUSED = "issue_paused"
    ISSUE_RESUMED = "issue_resumed"
    ISSUE_CANCELLED = "issue_cancelled"
    ISSUE_RESENT = "issue_resent"
    ISSUE_RESOLVED = "issue_resolved"
    ISSUE_FINISHED = "issue_finished"
    CHECKLIST_DISMISSED = "checklist_dismissed"
    SWEPT = "system_swept"
    COMPACTED = "system_compacted"
    ROUNDS_LAPSED = "system_rounds_lapsed"
    DIGESTS_REWRITTEN = "system_digests_rewritten"


class AuditOutcome(StrEnum):
    SUCCESS = "success"
    FAILURE = "failure"


@attrs.frozen
class Resource:
    """What was acted on: its type (a noun of the house) and its id."""

    type: str
    id: str


@attrs.frozen
class AuditEvent:
    """One event. ``before`` and ``after`` hold no personal data; ``details`` may, and are stored apart with
    ``salt``. Among them are ``words``: what a member of staff typed, who may have named somebody.
    """

    id: UUID
    occurred_at: Instant
    action: Action
    origin: Origin
    resource: Resource
    salt: bytes = attrs.field(repr=False)
    outcome: AuditOutcome = AuditOutcome.SUCCESS
    reason: str | None = None
    before: Mapping[str, str | int | None] | None = None
    after: Mapping[str, str | int | None] | None = None
    words: str | None = None

    @property
    def details(self) -> Mapping[str, str]:
        """The personal parts: where the request came from, and typed words."""
        network_address, user_agent = self.origin.network_address, self.origin.user_agent
        parts = {"network_address": network_address, "user_agent": user_agent, "words": self.words}
        return {name: value for name, value in parts.items() if value is not None}

    @property
    def without_details(self) -> "AuditEvent":
        """What is left of the event when its personal parts were erased."""
        origin = attrs.evolve(self.origin, network_address=None, user_agent=None)
        return attrs.evolve(self, origin=origin, words=None, salt=b"")

    @property
    def details_digest(self) -> bytes | None:
        """SHA-256(salt ‖ canonical details), 32 bytes; None where there is nothing personal."""
        if not self.details:
            return None
        return hashlib.sha256(self.salt + canonical_json(self.details).encode()).digest()

    @property
    def canonical(self) -> str:
        """The exact text that seals cover, in RFC 8785's form; times in UTC with microseconds."""
        digest = self.details_digest
        return canonical_json(
            {
                "id": str(self.id),
                "occurred_at": self.occurred_at.astimezone(UTC).isoformat(timespec="microseconds"),
                "action": self.action.value,
                "outcome": self.outcome.value,
                "reason": self.reason,
                "actor_kind": self.origin.actor.kind.value,
                "actor": self.origin.actor.id,
                "request_id": self.origin.request_id,
                "resource_type": self.resource.type,
                "resource_id": self.resource.id,
                "before": self.before,
                "after": self.after,
                "details_digest": digest.hex() if digest else None,
            }
        )
