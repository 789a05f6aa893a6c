import hashlib
import json
from datetime import timedelta, timezone
from uuid import UUID

from hypothesis import given
from hypothesis.strategies import binary, none, text

from zero2prod.testing.builders import T0, audit_event, origin
from zero2prod_core.domain.audit import SALT_BYTES, AuditOutcome
from zero2prod_core.domain.canonical import canonical_json
from zero2prod_core.domain.origins import Actor, ActorKind, system

EVENT_ID = UUID("01234567-89ab-7def-8123-456789abcdef")


def test_the_canonical_text_is_exactly_this() -> None:
    event = audit_event(id=EVENT_ID, outcome=AuditOutcome.FAILURE, reason="why")
    digest = hashlib.sha256(bytes(SALT_BYTES) + b'{"network_address":"192.0.2.1","user_agent":"A browser"}').hexdigest()
    assert event.canonical == (
        '{"action":"subscriber_confirmed","actor":null,"actor_kind":"visitor",'
        '"after":{"earlier":null,"rounds":1,"status":"confirmed"},"before":{"status":"pending_confirmation"},'
        f'"details_digest":"{digest}","id":"01234567-89ab-7def-8123-456789abcdef",'
        '"occurred_at":"2026-01-05T12:00:00.123456+00:00","outcome":"failure","reason":"why",'
        '"request_id":"request-1","resource_id":"7","resource_type":"subscriber"}'
    )


def test_a_moment_is_written_in_one_way_whatever_its_zone() -> None:
    abroad = T0.replace(microsecond=0).astimezone(timezone(timedelta(hours=9)))
    assert json.loads(audit_event(occurred_at=abroad).canonical)["occurred_at"] == "2026-01-05T12:00:00.000000+00:00"


@given(none() | text(max_size=9), none() | text(max_size=9), binary(min_size=16, max_size=16))
def test_personal_parts_stand_apart_and_only_their_salted_hash_is_covered(
    network_address: str | None, user_agent: str | None, salt: bytes
) -> None:
    event = audit_event(salt=salt, origin=origin(network_address=network_address, user_agent=user_agent))
    parts = {"network_address": network_address, "user_agent": user_agent}
    assert event.details == {name: value for name, value in parts.items() if value is not None}
    covered = json.loads(event.canonical)
    if not event.details:
        assert (event.details_digest, covered["details_digest"]) == (None, None)
        return
    expected = hashlib.sha256(salt + canonical_json(dict(event.details)).encode())
    assert event.details_digest == expected.digest()
    assert covered["details_digest"] == expected.hexdigest()
    assert covered.keys().isdisjoint(parts)


def test_a_salt_is_not_shown() -> None:
    assert "salt" not in repr(audit_event())


def test_actors_are_written_with_what_names_them() -> None:
    assert str(Actor(ActorKind.VISITOR)) == "visitor"
    assert str(system("sweep").actor) == "system:sweep"
    assert str(origin().as_account(EVENT_ID).actor) == f"account:{EVENT_ID}"
