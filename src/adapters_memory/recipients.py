"""Whom a delivery reaches, and whether it may: what claims and marks ask before a mail is sent."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from types import MappingProxyType

import attrs

from adapters_memory.delivery_rows import Row
from adapters_memory.overlay import Overlay
from adapters_memory.tables import Tables
from zero2prod_core.domain.deliveries import DeliveryState, RecipientKind
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.letters import Letter, LetterKind
from zero2prod_core.domain.subscribers import Status, Subscriber
from zero2prod_core.domain.suppressions import BLOCKS_ACCOUNT_MAIL, LIFTED_BY_CONFIRMING, Reason
from zero2prod_core.domain.tokens import Purpose

__all__ = ["Recipient", "Recipients"]

EVERY_REASON = frozenset(Reason)

TIMELY: Mapping[LetterKind, tuple[Purpose | None, Status | None]] = {
    LetterKind.CONFIRMATION: (Purpose.CONFIRM, Status.PENDING),
    LetterKind.NOTICE: (None, Status.CONFIRMED),
    LetterKind.PREFERENCES: (Purpose.MANAGE, None),
}
"""What a letter's link must be for, and how its subscriber must stand."""

ANY_TIME = (None, None)

NO_FIELDS: Mapping[str, str] = MappingProxyType({})


@attrs.frozen
class Recipient:
    """Somebody who may be mailed."""

    email: EmailAddress
    name: str
    fields: Mapping[str, str] = NO_FIELDS
    tags: tuple[str, ...] = ()


class Recipients:
    """Everyone who can be written to, as one transaction sees them."""

    def __init__(self, tables: Tables, overlay: Overlay) -> None:
        self._by_digest = tables.suppressions_by_digest
        self._suppressions = overlay.of(tables.suppressions)
        self._subscribers = overlay.of(tables.subscribers)
        self._accounts = overlay.of(tables.accounts)
        self._tokens = overlay.of(tables.tokens)

    def judge(self, row: Row, letter: Letter, at: Instant) -> Recipient | DeliveryState:
        """Who is to be mailed; or, where nobody may be, what becomes of the row."""
        if self.suppressed(row, letter):
            return DeliveryState.SUPPRESSED
        match row.kind:
            case RecipientKind.SUBSCRIBER:
                return self._judge_subscriber(row, letter, at)
            case RecipientKind.ACCOUNT:
                return self._judge_account(row)
            case RecipientKind.EMAIL_ADDRESS:
                # No port adds bare e-mail addresses, so nobody is there.
                return DeliveryState.SUPPRESSED

    def email_of(self, row: Row) -> EmailAddress | None:
        """The recipient's e-mail address, whether it may be mailed or not; None where nobody is there."""
        if row.kind is RecipientKind.ACCOUNT:
            account = self._accounts.get(row.key.recipient)
            return account.email if account else None
        subscriber = self._subscribers.get(row.key.recipient)
        return subscriber.email if subscriber else None

    def suppressed(self, row: Row, letter: Letter) -> bool:
        """By the recipient's digest of today: the row's may be of a key that was rotated."""
        recipients = self._accounts if row.kind is RecipientKind.ACCOUNT else self._subscribers
        recipient, blocking = recipients.get(row.key.recipient), _blocking(row.kind, letter.kind)
        reasons = self._suppressions.where(self._by_digest, recipient.digest) if recipient else ()
        return any(found.reason in blocking for found in reasons)

    def _judge_subscriber(self, row: Row, letter: Letter, at: Instant) -> Recipient | DeliveryState:
        subscriber = self._subscribers.get(row.key.recipient)
        if subscriber is None or (letter.kind is LetterKind.ISSUE and not wants_issues(subscriber, at)):
            return DeliveryState.SUPPRESSED
        if not self._is_timely(subscriber, row, letter, at):
            return DeliveryState.CANCELLED
        return Recipient(subscriber.email, subscriber.name.text, subscriber.fields, subscriber.tags)

    def _is_timely(self, subscriber: Subscriber, row: Row, letter: Letter, at: Instant) -> bool:
        """Whether a template letter still says what is true, with a link that works."""
        purpose, status = TIMELY.get(letter.kind, ANY_TIME)
        return status in (None, subscriber.status) and (purpose is None or self._works(row, purpose, at))

    def _works(self, row: Row, purpose: Purpose, at: Instant) -> bool:
        token = self._tokens.get(row.key.occasion)
        return token is not None and token.purpose is purpose and token.spent_at is None and not token.expired(at)

    def _judge_account(self, row: Row) -> Recipient | DeliveryState:
        account = self._accounts.get(row.key.recipient)
        if account is None or account.email is None:
            return DeliveryState.SUPPRESSED
        return Recipient(account.email, account.username.text)


def wants_issues(subscriber: Subscriber, at: Instant) -> bool:
    paused = subscriber.paused_until is not None and at < subscriber.paused_until
    return subscriber.status is Status.CONFIRMED and not paused


def _blocking(recipient: RecipientKind, letter: LetterKind) -> AbstractSet[Reason]:
    """The reasons that keep a letter of this kind from a recipient of this kind."""
    if recipient is RecipientKind.ACCOUNT:
        return BLOCKS_ACCOUNT_MAIL
    return EVERY_REASON - LIFTED_BY_CONFIRMING if letter is LetterKind.CONFIRMATION else EVERY_REASON
