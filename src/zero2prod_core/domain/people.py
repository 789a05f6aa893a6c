"""A person, as an e-mail address: the newsletters it is subscribed to, and all that ever happened with it."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from uuid import UUID

import attrs

from zero2prod_core.domain.audit import AuditEvent
from zero2prod_core.domain.consent import Consent
from zero2prod_core.domain.deliveries import DeliveryState, Reply
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.letters import LetterKind
from zero2prod_core.domain.newsletters import Newsletter
from zero2prod_core.domain.origins import Origin
from zero2prod_core.domain.subscribers import Subscriber
from zero2prod_core.domain.suppressions import Suppression


@attrs.frozen
class Mailing:
    """One mail to a subscriber: of which letter, and what became of it. ``subject`` is an issue's title."""

    subscriber: UUID
    kind: LetterKind
    subject: str | None
    state: DeliveryState
    attempts: int
    enqueued_at: Instant
    settled_at: Instant | None
    reply: Reply | None


@attrs.frozen
class Subscription:
    """A newsletter with the person's place in it."""

    subscriber: Subscriber
    newsletter: Newsletter


class FactKind(StrEnum):
    """Where a fact comes from: the evidence of consent, the audit log, or the ledger of mails."""

    CONSENT = "consent"
    EVENT = "event"
    MAIL = "mail"


@attrs.frozen
class Fact:
    """Something that happened: ``what`` names it, ``details`` tell the rest by name, in words.

    ``newsletter`` is None where it is about the e-mail address itself.
    """

    at: Instant
    kind: FactKind
    what: str
    newsletter: Newsletter | None
    details: Mapping[str, str]


@attrs.frozen
class Person:
    """All that is known of one e-mail address. Somebody without a subscription is known by suppressions alone.

    ``history`` is in order of time, oldest first.
    """

    email: EmailAddress
    subscriptions: Sequence[Subscription]
    suppressions: Sequence[Suppression]
    history: Sequence[Fact]


def fact_of_consent(record: Consent, newsletter: Newsletter | None) -> Fact:
    evidence = record.evidence
    details = {
        "source": evidence.source,
        "form_version": evidence.form_version,
        "form_hash": evidence.form_hash,
        **_whence(evidence.origin),
        "message_id": record.message_id,
    }
    return Fact(record.occurred_at, FactKind.CONSENT, record.kind.value, newsletter, _given(details))


def fact_of_event(event: AuditEvent, newsletter: Newsletter | None) -> Fact:
    details = {
        "outcome": event.outcome.value,
        "reason": event.reason,
        "words": event.words,
        **{f"before_{name}": value for name, value in (event.before or {}).items()},
        **{f"after_{name}": value for name, value in (event.after or {}).items()},
        **_whence(event.origin),
    }
    return Fact(event.occurred_at, FactKind.EVENT, event.action.value, newsletter, _given(details))


def fact_of_mail(mailing: Mailing, newsletter: Newsletter | None) -> Fact:
    reply = mailing.reply
    details = {
        "subject": mailing.subject,
        "state": mailing.state.value,
        "attempts": mailing.attempts,
        "settled_at": mailing.settled_at.isoformat() if mailing.settled_at else None,
        "reply": " ".join(filter(None, [str(reply.code or ""), reply.text])) if reply else None,
    }
    return Fact(mailing.enqueued_at, FactKind.MAIL, mailing.kind.value, newsletter, _given(details))


def _whence(origin: Origin) -> Mapping[str, str | None]:
    return {
        "actor": str(origin.actor),
        "network_address": origin.network_address,
        "user_agent": origin.user_agent,
        "request_id": origin.request_id,
    }


def _given(details: Mapping[str, str | int | None]) -> Mapping[str, str]:
    return {name: str(value) for name, value in details.items() if value is not None and value != ""}


def history_of(facts: Iterable[Fact]) -> Sequence[Fact]:
    """In order of time; what happened at one instant, consent first and mail last."""
    order = list(FactKind)
    return sorted(facts, key=lambda fact: (fact.at, order.index(fact.kind)))


def person_as_data(person: Person) -> Mapping[str, object]:
    """What the person may have of it (GDPR Art. 15 and 20), ready to be written as JSON; times are ISO 8601.

    Of the staff it says what they did, and not who did it.
    """
    return {
        "email": person.email.text,
        "subscriptions": [_told_of_subscription(each) for each in person.subscriptions],
        "suppressions": [
            {"reason": each.reason.value, "since": each.created_at.isoformat(), "note": each.note}
            for each in person.suppressions
        ],
        "history": [_told_of_fact(fact) for fact in person.history],
    }


def _told_of_subscription(subscription: Subscription) -> Mapping[str, object]:
    subscriber, newsletter = subscription.subscriber, subscription.newsletter
    return {
        "id": str(subscriber.id),
        "newsletter": newsletter.slug.text,
        "newsletter_name": newsletter.name,
        "name": subscriber.name.text,
        "status": subscriber.status.value,
        "earlier_status": subscriber.earlier_status and subscriber.earlier_status.value,
        "subscribed_at": subscriber.subscribed_at.isoformat(),
        "confirmed_at": subscriber.confirmed_at and subscriber.confirmed_at.isoformat(),
        "paused_until": subscriber.paused_until and subscriber.paused_until.isoformat(),
        "fields": dict(subscriber.fields),
        "tags": list(subscriber.tags),
    }


def _told_of_fact(fact: Fact) -> Mapping[str, object]:
    told: dict[str, object] = {"at": fact.at.isoformat(), "kind": fact.kind.value, "what": fact.what}
    if fact.newsletter:
        told["newsletter"] = fact.newsletter.slug.text
    return told | {name: _unnamed(value) if name == "actor" else value for name, value in fact.details.items()}


def _unnamed(actor: str) -> str:
    """The kind of an actor without the id."""
    return actor.partition(":")[0]
