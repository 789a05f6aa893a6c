"""Small values for tests: every builder makes a new and valid one; keywords say what matters to the test."""
# ruff: noqa: ANN401 - a builder takes whatever its class takes

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import attrs

from zero2prod_core.domain.accounts import Account, Username
from zero2prod_core.domain.audit import SALT_BYTES, Action, AuditEvent, Resource
from zero2prod_core.domain.consent import Consent, ConsentKind, Evidence
from zero2prod_core.domain.deliveries import GIVE_UP_AFTER, NO_OCCASION, DeliveryKey, NewDelivery, RecipientKind
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.idempotency import IdempotencyKey, IdempotencyRecord
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.issues import Content, Issue, IssueState
from zero2prod_core.domain.keys import Key, KeyRing
from zero2prod_core.domain.letters import Letter, LetterKind, template_letter
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER, Newsletter, Slug
from zero2prod_core.domain.origins import Actor, ActorKind, Origin
from zero2prod_core.domain.sessions import ABSOLUTE, Session
from zero2prod_core.domain.subscriber_names import SubscriberName
from zero2prod_core.domain.subscribers import Round, SignUp, Status, Subscriber
from zero2prod_core.domain.suppressions import Digest, Reason, Suppression, digest
from zero2prod_core.domain.tokens import Purpose, Token
from zero2prod_core.usecases.issues import Publication

T0 = datetime(2026, 1, 5, 12, 0, 0, 123456, tzinfo=UTC)
"""A Monday noon, with microseconds so that a store that drops them is found out."""

KEY = Key("test", bytes(range(32)))
KEYS = KeyRing((KEY,))

_numbers = [count(1)]


def number() -> int:
    """A number that no call has returned before."""
    return next(_numbers[-1])


@contextmanager
def numbers_anew() -> Iterator[None]:
    """Inside, numbers and ids begin anew: a run that is repeated, over a store of its own, sees the same ones."""
    _numbers.append(count(1))
    try:
        yield
    finally:
        _numbers.pop()


def new_id() -> UUID:
    """A UUID that no call has returned before; later ones sort later."""
    return UUID(int=(0x7000_8000 << 96) + number())


def later(seconds: float) -> Instant:
    return T0 + timedelta(seconds=seconds)


def email(text: str | None = None) -> EmailAddress:
    return EmailAddress.parse(text or f"reader-{number()}@example.com")


def newsletter(**changes: Any) -> Newsletter:
    return attrs.evolve(Newsletter(new_id(), Slug(f"letter-{number()}"), "A newsletter"), **changes)


def subscriber(at: EmailAddress | None = None, **changes: Any) -> Subscriber:
    """A confirmed reader of the default newsletter."""
    where = at or email()
    made = Subscriber(
        new_id(),
        DEFAULT_NEWSLETTER.id,
        where,
        digest(KEY, where),
        SubscriberName("Ada"),
        Status.CONFIRMED,
        T0,
        confirmed_at=T0,
    )
    return attrs.evolve(made, **changes)


def pending_subscriber(at: EmailAddress | None = None, **changes: Any) -> Subscriber:
    return subscriber(at, **{"status": Status.PENDING, "confirmed_at": None} | changes)


def opened_round(of: Subscriber, **changes: Any) -> Round:
    return attrs.evolve(Round(new_id(), of.id, SubscriberName("Ada L."), "form", T0), **changes)


def token(subject: UUID, purpose: Purpose = Purpose.CONFIRM, **changes: Any) -> Token:
    return attrs.evolve(Token(new_id(), purpose, subject, KEY.id, T0, T0 + timedelta(days=1)), **changes)


def origin(**changes: Any) -> Origin:
    return attrs.evolve(Origin(Actor(ActorKind.VISITOR), "request-1", "192.0.2.1", "A browser"), **changes)


def evidence() -> Evidence:
    return Evidence(origin(), "form", "1", hashlib.sha256(b"the form").hexdigest())


def consent(subscriber: UUID, **changes: Any) -> Consent:
    return attrs.evolve(Consent(new_id(), ConsentKind.REQUESTED, subscriber, new_id(), T0, evidence()), **changes)


def letter(**changes: Any) -> Letter:
    """An issue's letter of the default newsletter."""
    made = Letter(
        new_id(), DEFAULT_NEWSLETTER.id, LetterKind.ISSUE, "Words", "Some words.", "<p>Some words.</p>", dated_at=T0
    )
    return attrs.evolve(made, **changes)


def issue(of: Letter, **changes: Any) -> Issue:
    made = Issue(new_id(), of.newsletter, of.id, "Words", IssueState.SENDING, T0, published_at=T0)
    return attrs.evolve(made, **changes)


def delivery(of: Letter, to: Subscriber, occasion: UUID = NO_OCCASION, **changes: Any) -> NewDelivery:
    """A letter to a subscriber, given up after the usual time."""
    key = DeliveryKey(of.id, to.id, occasion)
    domain, kind = to.email.domain, RecipientKind.SUBSCRIBER
    return attrs.evolve(NewDelivery(key, kind, domain, to.digest, of.priority, T0 + GIVE_UP_AFTER), **changes)


def confirmation(to: Subscriber, by: Token, **changes: Any) -> NewDelivery:
    """The mail that carries a token to a subscriber."""
    return delivery(template_letter(to.newsletter, LetterKind.CONFIRMATION), to, by.id, **changes)


def account(name: str | None = None, **changes: Any) -> Account:
    return attrs.evolve(Account(new_id(), Username(name or f"user-{number()}"), T0), **changes)


def notice(to: Account, at: EmailAddress, **changes: Any) -> NewDelivery:
    """A notice to a member of staff."""
    of = template_letter(DEFAULT_NEWSLETTER.id, LetterKind.NOTICE)
    key = DeliveryKey(of.id, to.id, new_id())
    made = NewDelivery(key, RecipientKind.ACCOUNT, at.domain, digest(KEY, at), of.priority, T0 + GIVE_UP_AFTER)
    return attrs.evolve(made, **changes)


def session(of: Account, **changes: Any) -> Session:
    hash_ = hashlib.sha256(number().to_bytes(8, "big")).digest()
    return attrs.evolve(Session(hash_, of.id, T0, T0, T0 + ABSOLUTE), **changes)


def suppression(of: Digest | EmailAddress, reason: Reason = Reason.BOUNCE) -> Suppression:
    return Suppression(digest(KEY, of) if isinstance(of, EmailAddress) else of, reason, T0)


def idempotency_record(**changes: Any) -> IdempotencyRecord:
    key, fingerprint = IdempotencyKey(f"key {number()}"), hashlib.sha256(b"content").digest()
    made = IdempotencyRecord(DEFAULT_NEWSLETTER.id, key, fingerprint, "account:1", new_id(), T0)
    return attrs.evolve(made, **changes)


def audit_event(**changes: Any) -> AuditEvent:
    made = AuditEvent(
        new_id(),
        T0,
        Action.SUBSCRIBER_CONFIRMED,
        origin(),
        Resource("subscriber", "7"),
        bytes(SALT_BYTES),
        before={"status": "pending_confirmation"},
        after={"status": "confirmed", "rounds": 1, "earlier": None},
    )
    return attrs.evolve(made, **changes)


def sign_up(email: str = "ada@example.com", name: str = "Ada", newsletter: str = "default") -> SignUp:
    """What a visitor typed, parsed."""
    return SignUp(Slug(newsletter), EmailAddress.parse(email), SubscriberName.parse(name), evidence())


def publication(title: str = "News", key: str = "key-1", newsletter: str = "default") -> Publication:
    """An author's wish to publish; ``key`` is its idempotency key."""
    return Publication(Slug(newsletter), Content.parse(title, "Some words."), IdempotencyKey(key))


def token_in(link: str) -> str:
    """The token in a mail's link: its query's one value, or else the last part of its path."""
    parts = urlsplit(link)
    values = [value for values in parse_qs(parts.query).values() for value in values]
    (token,) = values or [parts.path.rpartition("/")[2]]
    return token
