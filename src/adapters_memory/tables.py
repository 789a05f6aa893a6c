"""What the store keeps: one table for each kind of row, and the indexes that its repositories look things up by."""

from uuid import UUID

from adapters_memory.delivery_rows import DeliveryTable, Lease
from adapters_memory.overlay import Table
from zero2prod_core.domain.accounts import Account
from zero2prod_core.domain.audit import AuditEvent
from zero2prod_core.domain.breakers import Breaker, BreakerKey
from zero2prod_core.domain.consent import Consent
from zero2prod_core.domain.deliveries import DeliveryState
from zero2prod_core.domain.idempotency import IdempotencyRecord
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.issues import Issue
from zero2prod_core.domain.letters import Letter, LetterKind, template_letter
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER, Newsletter
from zero2prod_core.domain.sessions import Session
from zero2prod_core.domain.subscribers import Round, Subscriber
from zero2prod_core.domain.suppressions import Digest, Reason, Suppression
from zero2prod_core.domain.tokens import Token
from zero2prod_core.ports.limits import LimitKey

__all__ = ["Tables"]


class Tables:
    """All committed rows. It starts with the default newsletter and that newsletter's template letters."""

    def __init__(self) -> None:
        self.newsletters = Table[UUID, Newsletter]()
        self.newsletters_by_slug = self.newsletters.index(lambda newsletter: newsletter.slug)
        self.subscribers = Table[UUID, Subscriber]()
        self.subscribers_by_email = self.subscribers.index(lambda subscriber: subscriber.email.key)
        self.rounds = Table[UUID, Round]()
        self.rounds_by_subscriber = self.rounds.index(lambda opened: opened.subscriber)
        self.tokens = Table[UUID, Token]()
        self.tokens_by_subject = self.tokens.index(lambda token: (token.subject, token.purpose))
        self.consent = Table[UUID, Consent]()
        self.consent_by_subscriber = self.consent.index(lambda record: record.subscriber)
        self.letters = Table[UUID, Letter]()
        self.issues = Table[UUID, Issue]()
        self.deliveries = DeliveryTable()
        self.leases = Table[UUID, Lease]()
        self.delivery_sums = Table[tuple[UUID, DeliveryState], int]()
        self.breakers = Table[BreakerKey, Breaker]()
        self.suppressions = Table[tuple[Digest, Reason], Suppression]()
        self.suppressions_by_digest = self.suppressions.index(lambda suppression: suppression.digest)
        self.accounts = Table[UUID, Account]()
        self.accounts_by_username = self.accounts.index(lambda account: account.username.key)
        self.sessions = Table[bytes, Session]()
        self.sessions_by_account = self.sessions.index(lambda session: session.account)
        self.idempotency = Table[tuple[UUID, str], IdempotencyRecord]()
        self.limits = Table[LimitKey, Instant]()
        self.limit_refusals = Table[tuple[Instant, LimitKey], int]()
        self.audit = Table[UUID, AuditEvent]()
        self.audit_by_resource = self.audit.index(lambda event: event.resource)
        self._fill()

    def _fill(self) -> None:
        letters = [template_letter(DEFAULT_NEWSLETTER.id, kind) for kind in LetterKind if kind is not LetterKind.ISSUE]
        self.newsletters.commit({DEFAULT_NEWSLETTER.id: DEFAULT_NEWSLETTER})
        self.letters.commit({letter.id: letter for letter in letters})
