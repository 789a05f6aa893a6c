"""A person, as an e-mail address: the newsletters it is subscribed to, and all that ever happened with it."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from uuid import UUID

import attrs

from zero2prod_core.domain.audit import AuditEvent
from zero2prod_core.domain.consent import Consent
from zero2prod_core.domain.deliveries import DeliveryState, Reply
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.fields import shown_values
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.letters import LetterKind
from zero2prod_core.domain.newsletters import Newsletter
from zero2prod_core.domain.origins import ActorKind, Origin
from zero2prod_core.domain.slots import for_nobody
from zero2prod_core.domain.subscribers import TRANSITIONS, Event, Subscriber
from zero2prod_core.domain.suppressions import LIFTED_BY_STAFF, Suppression


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

    ``history`` is in order of time, oldest first. ``left_out``: a sentence for each kind of facts of which it has not
    all.
    """

    email: EmailAddress
    subscriptions: Sequence[Subscription]
    suppressions: Sequence[Suppression]
    history: Sequence[Fact]
    left_out: Sequence[str] = ()

    @property
    def is_held(self) -> bool:
        """Whether there is something that the staff can lift."""
        complained = any((each.subscriber.status, Event.LIFT) in TRANSITIONS for each in self.subscriptions)
        return complained or any(each.reason in LIFTED_BY_STAFF for each in self.suppressions)


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
        "subject": mailing.subject and for_nobody(mailing.subject, newsletter.name if newsletter else ""),
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


OF_OTHERS = frozenset({"network_address", "user_agent", "request_id", "words"})
"""Details of what somebody else did than the person: where they sit, and what they remarked among themselves."""


def person_as_data(person: Person, *, for_staff: bool = False) -> Mapping[str, object]:
    """What the person may have of it (GDPR Art. 15 and 20), ready to be written as JSON; times are ISO 8601.

    Of the staff it says what they did and when, and not who did it, from where, or with what remark. ``for_staff``
    leaves out nothing.
    """
    return {
        "email": person.email.text,
        "subscriptions": [_told_of_subscription(each) for each in person.subscriptions],
        "suppressions": [_told_of_suppression(each, for_staff=for_staff) for each in person.suppressions],
        "history": [_told_of_fact(fact, for_staff=for_staff) for fact in person.history],
        "left_out": list(person.left_out),
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
        "fields": _in_order(newsletter, subscriber.fields),
        "tags": list(subscriber.tags),
    }


def _told_of_suppression(suppression: Suppression, *, for_staff: bool) -> Mapping[str, object]:
    told = {"reason": suppression.reason.value, "since": suppression.created_at.isoformat()}
    return {**told, "note": suppression.note} if for_staff else told


def _in_order(newsletter: Newsletter, kept: Mapping[str, str]) -> Mapping[str, str]:
    """As the newsletter asks for them, and behind them answers to what it asks no more."""
    return {field.name: value for field, value in shown_values(newsletter.fields, kept)} | dict(kept)


def _told_of_fact(fact: Fact, *, for_staff: bool) -> Mapping[str, object]:
    told: dict[str, object] = {"at": fact.at.isoformat(), "kind": fact.kind.value, "what": fact.what}
    if fact.newsletter:
        told["newsletter"] = fact.newsletter.slug.text
    return told | dict(fact.details if for_staff else _of_the_person(fact.details))


def _of_the_person(details: Mapping[str, str]) -> Mapping[str, str]:
    """An actor is told by its kind; what a visitor did, with all that is known of it."""
    kind = details.get("actor", "").partition(":")[0]
    hidden = OF_OTHERS if kind and kind != ActorKind.VISITOR else frozenset[str]()
    return {name: kind if name == "actor" else value for name, value in details.items() if name not in hidden}
