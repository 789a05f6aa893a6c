from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from psycopg.types.json import Jsonb

from adapters_postgres.connections import Connection
from adapters_postgres.repositories import Repository
from adapters_postgres.sql import load
from zero2prod_core.domain.audit import Action, AuditEvent, AuditOutcome, Resource
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.origins import Actor, ActorKind, Origin
from zero2prod_core.ports.audit import AuditLog

SQL = load("audit")


class PostgresAuditLog(Repository, AuditLog):
    """``appended`` is told what was, by its action."""

    def __init__(self, connection: Connection, appended: Counter[Action]) -> None:
        super().__init__(connection)
        self._appended = appended

    async def append_batch(self, events: Sequence[AuditEvent]) -> None:
        self._appended.update(event.action for event in events)
        await self._count(
            SQL["append"],
            ids=[event.id for event in events],
            occurred_ats=[event.occurred_at for event in events],
            actions=[event.action.value for event in events],
            outcomes=[event.outcome.value for event in events],
            reasons=[event.reason for event in events],
            actor_kinds=[event.origin.actor.kind.value for event in events],
            actor_ids=[event.origin.actor.id for event in events],
            request_ids=[event.origin.request_id for event in events],
            resource_types=[event.resource.type for event in events],
            resource_ids=[event.resource.id for event in events],
            befores=[_json(event.before) for event in events],
            afters=[_json(event.after) for event in events],
            details_digests=[event.details_digest for event in events],
            canonicals=[event.canonical for event in events],
            salts=[event.salt for event in events],
            details=[_json(event.details) for event in events],
        )

    async def tail(self, limit: int) -> Sequence[AuditEvent]:
        return [_event(*row) for row in await self._rows(SQL["tail"], limit=limit)]

    async def about(self, resources: Collection[Resource], limit: int) -> Sequence[AuditEvent]:
        rows = await self._rows(SQL["about"], limit=limit, **_columns(resources))
        return [_event(*row) for row in reversed(rows)]

    async def forget(self, resources: Collection[Resource]) -> None:
        await self._count(SQL["forget"], **_columns(resources))


def _columns(resources: Collection[Resource]) -> dict[str, list[str]]:
    return {"types": [each.type for each in resources], "ids": [each.id for each in resources]}


def _json(values: Mapping[str, str | int | None] | Mapping[str, str] | None) -> Jsonb | None:
    return None if values is None else Jsonb(dict(values))


def _event(
    id_: UUID,
    occurred_at: Instant,
    action: str,
    outcome: str,
    reason: str | None,
    actor_kind: str,
    actor_id: str | None,
    request_id: str | None,
    resource_type: str,
    resource_id: str,
    before: Mapping[str, str | int | None] | None,
    after: Mapping[str, str | int | None] | None,
    salt: bytes | None,
    details: Mapping[str, str] | None,
) -> AuditEvent:
    """Without its erasable parts where they were erased, or were none."""
    personal = dict(details or {})
    words = personal.pop("words", None)
    return AuditEvent(
        id_,
        occurred_at,
        Action(action),
        Origin(Actor(ActorKind(actor_kind), actor_id), request_id, **personal),
        Resource(resource_type, resource_id),
        salt or b"",
        AuditOutcome(outcome),
        reason,
        before,
        after,
        words,
    )
