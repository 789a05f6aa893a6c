"""That a member of the staff looked at a person's data, on record without burying what the person did."""

from datetime import timedelta

import attrs

from zero2prod_core.domain.audit import Action, Resource
from zero2prod_core.domain.origins import Origin
from zero2prod_core.domain.people import Person
from zero2prod_core.ports.store import Transaction
from zero2prod_core.usecases.audit import Auditor

LOOK_LASTS = timedelta(minutes=10)
"""Whoever acts for a reader sees the page again after each step: that is one look."""


@attrs.frozen
class Looks:
    """Writes looks down, each actor's at one person at most once in `LOOK_LASTS`."""

    auditor: Auditor

    async def note(self, tx: Transaction, origin: Origin, person: Person, resource: Resource) -> None:
        """``person`` as it was read in the same transaction."""
        now, actor = await tx.now(), str(origin.actor)
        looks = (fact for fact in person.history if fact.what == Action.SENSITIVE_READ)
        if not any(fact.details.get("actor") == actor and now - fact.at < LOOK_LASTS for fact in looks):
            await tx.audit.append_batch([self.auditor.event(Action.SENSITIVE_READ, origin, resource, now)])
