from collections.abc import Collection, Sequence
from uuid import UUID

import attrs

from adapters_memory.overlay import Overlay
from adapters_memory.tables import Tables
from zero2prod_core.domain.consent import Consent
from zero2prod_core.ports.consent import ConsentRepository

__all__ = ["InMemoryConsentRepository"]


class InMemoryConsentRepository(ConsentRepository):
    def __init__(self, tables: Tables, overlay: Overlay) -> None:
        self._by_subscriber = tables.consent_by_subscriber
        self._records = overlay.of(tables.consent)

    async def add_batch(self, records: Sequence[Consent]) -> None:
        for record in records:
            self._records.put(record.id, record)

    async def of(self, subscribers: Collection[UUID]) -> Sequence[Consent]:
        records = [record for id_ in subscribers for record in self._records.where(self._by_subscriber, id_)]
        return sorted(records, key=lambda record: (record.occurred_at, record.id))

    async def forget(self, subscribers: Collection[UUID]) -> None:
        for subscriber in subscribers:
            for record in self._records.where(self._by_subscriber, subscriber):
                self._records.put(record.id, _impersonal(record))


def _impersonal(record: Consent) -> Consent:
    origin = attrs.evolve(record.evidence.origin, network_address=None, user_agent=None)
    return attrs.evolve(record, evidence=attrs.evolve(record.evidence, origin=origin))
