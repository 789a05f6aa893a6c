from collections.abc import Collection, Sequence
from uuid import UUID

from adapters_postgres.repositories import Repository
from adapters_postgres.sql import load
from zero2prod_core.domain.consent import Consent, ConsentKind, Evidence
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.origins import Actor, ActorKind, Origin
from zero2prod_core.ports.consent import ConsentRepository

SQL = load("consent")


class PostgresConsentRepository(Repository, ConsentRepository):
    async def add_batch(self, records: Sequence[Consent]) -> None:
        evidence = [record.evidence for record in records]
        origins = [each.origin for each in evidence]
        await self._count(
            SQL["add"],
            ids=[record.id for record in records],
            kinds=[record.kind.value for record in records],
            subscribers=[record.subscriber for record in records],
            rounds=[record.round for record in records],
            occurred_ats=[record.occurred_at for record in records],
            sources=[each.source for each in evidence],
            form_versions=[each.form_version for each in evidence],
            form_hashes=[each.form_hash for each in evidence],
            request_ids=[origin.request_id for origin in origins],
            network_addresses=[origin.network_address for origin in origins],
            user_agents=[origin.user_agent for origin in origins],
            actor_kinds=[origin.actor.kind.value for origin in origins],
            actor_ids=[origin.actor.id for origin in origins],
            message_ids=[record.message_id for record in records],
        )

    async def of(self, subscribers: Collection[UUID]) -> Sequence[Consent]:
        return [_consent(*row) for row in await self._rows(SQL["of"], subscribers=list(subscribers))]

    async def forget(self, subscribers: Collection[UUID]) -> None:
        await self._count(SQL["forget"], subscribers=list(subscribers))


def _consent(
    id_: UUID,
    kind: str,
    subscriber: UUID,
    round_: UUID | None,
    occurred_at: Instant,
    source: str,
    form_version: str | None,
    form_hash: str | None,
    request_id: str | None,
    network_address: str | None,
    user_agent: str | None,
    actor_kind: str,
    actor_id: str | None,
    message_id: str | None,
) -> Consent:
    origin = Origin(Actor(ActorKind(actor_kind), actor_id), request_id, network_address, user_agent)
    evidence = Evidence(origin, source, form_version, form_hash)
    return Consent(id_, ConsentKind(kind), subscriber, round_, occurred_at, evidence, message_id)
