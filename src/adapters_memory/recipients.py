"""Whom a delivery reaches, and whether it may: what claims and marks ask before a mail is sent."""

from collections.abc import Set as AbstractSet

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


@attrs.frozen
class Recipient:
    """Somebody who may be mailed."""

    email: EmailAddress
    name: str


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
        blocking = _blocking(row.kind, letter.kind)
        return any(found.reason in blocking for found in self._suppressions.where(self._by_digest, row.digest))

    def _judge_subscriber(self, row: Row, letter: Letter, at: Instant) -> Recipient | DeliveryState:
        subscriber = self._subscribers.get(row.key.recipient)
        if subscriber is None or (letter.kind is LetterKind.ISSUE and not wants_issues(subscriber, at)):
            return DeliveryState.SUPPRESSED
        if letter.kind is LetterKind.CONFIRMATION and not self._awaits_confirmation(subscriber, row, at):
            return DeliveryState.CANCELLED
        return Recipient(subscriber.email, subscriber.name.text)

    def _awaits_confirmation(self, subscriber: Subscriber, row: Row, at: Instant) -> bool:
        token = self._tokens.get(row.key.occasion)
        confirms = (
            token is not None and token.purpose is Purpose.CONFIRM and token.spent_at is None and not token.expired(at)
        )
        return confirms and subscriber.status is Status.PENDING

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
