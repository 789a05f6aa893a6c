from collections.abc import Mapping

import attrs

from zero2prod_core.domain.audit import SALT_BYTES, Action, AuditEvent, AuditOutcome, Resource
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.origins import Origin
from zero2prod_core.ports.system import Ids, Randomness


@attrs.frozen
class Auditor:
    """Makes audit events; whoever changes state appends them in the same transaction."""

    ids: Ids
    randomness: Randomness

    def event(
        self,
        action: Action,
        origin: Origin,
        resource: Resource,
        at: Instant,
        *,
        outcome: AuditOutcome = AuditOutcome.SUCCESS,
        reason: str | None = None,
        before: Mapping[str, str | int | None] | None = None,
        after: Mapping[str, str | int | None] | None = None,
        words: str | None = None,
    ) -> AuditEvent:
        salt = self.randomness.bytes(SALT_BYTES)
        return AuditEvent(self.ids.new(), at, action, origin, resource, salt, outcome, reason, before, after, words)
