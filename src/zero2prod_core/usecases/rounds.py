"""Rounds: a sign-up that waits for its confirmation, with all that is written for it."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import attrs

from zero2prod_core.domain.audit import Action, AuditEvent, Resource
from zero2prod_core.domain.consent import Consent, ConsentKind, Evidence
from zero2prod_core.domain.deliveries import DeliveryKey, NewDelivery, RecipientKind
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.keys import Key, KeyRing
from zero2prod_core.domain.letters import LetterKind, template_letter
from zero2prod_core.domain.origins import system
from zero2prod_core.domain.subscribers import Round, SignUp, Status, Subscriber
from zero2prod_core.domain.suppressions import digest
from zero2prod_core.domain.tokens import Purpose, Token
from zero2prod_core.ports.store import Transaction, UnitOfWork
from zero2prod_core.ports.system import Ids, Randomness
from zero2prod_core.usecases.audit import Auditor
from zero2prod_core.usecases.persons import forget_removed, subscriber_resource
from zero2prod_core.usecases.policy import Policy
from zero2prod_core.usecases.tokens import new_token_id


def mail_to(key: Key, subscriber: Subscriber, kind: LetterKind, occasion: UUID, until: Instant) -> NewDelivery:
    """A template letter to a subscriber, of use until then; ``key`` makes its keyed parts, its link among them."""
    letter = template_letter(subscriber.newsletter, kind)
    row, domain = DeliveryKey(letter.id, subscriber.id, occasion), subscriber.email.domain
    return NewDelivery(row, RecipientKind.SUBSCRIBER, domain, digest(key, subscriber.email), letter.priority, until)


@attrs.frozen
class Opening:
    """All that one accepted sign-up adds. ``token`` is None where its mail is withheld.

    ``before`` is the subscriber as the sign-up found them.
    """

    before: Subscriber
    round: Round
    evidence: Evidence
    token: Token | None


@attrs.frozen
class Rounds:
    """Opens rounds, many by one statement per noun."""

    ids: Ids
    randomness: Randomness
    keys: KeyRing
    policy: Policy
    auditor: Auditor

    def opening(self, sign_up: SignUp, subscriber: Subscriber, now: Instant, *, mailed: bool) -> Opening:
        """``subscriber`` as found; one who is new is found pending."""
        opened = Round(
            self.ids.new(),
            subscriber.id,
            sign_up.name,
            sign_up.evidence.source,
            now,
            fields=sign_up.fields,
            tags=sign_up.tags,
        )
        token = self._token(opened, now) if mailed else None
        return Opening(subscriber, opened, sign_up.evidence, token)

    def _token(self, opened: Round, now: Instant) -> Token:
        id_, until = new_token_id(self.randomness), now + self.policy.token_lasts
        return Token(id_, Purpose.CONFIRM, opened.id, self.keys.newest.id, now, until)

    async def open_batch(self, tx: Transaction, openings: Sequence[Opening], notices: Sequence[NewDelivery]) -> None:
        """Write rounds, tokens, evidence, mails and audit events; ``notices`` are mails that go along."""
        if openings:
            now = await tx.now()
            await tx.subscribers.add_rounds([opening.round for opening in openings])
            await tx.consent.add_batch([self._consent(opening, now) for opening in openings])
            await tx.audit.append_batch([self._event(opening, now) for opening in openings])
        mailed = [(opening, opening.token) for opening in openings if opening.token]
        if mailed:
            await tx.tokens.add_batch([token for _, token in mailed])
        mails = [self._confirmation(opening.before, token) for opening, token in mailed]
        if mails or notices:
            await tx.deliveries.enqueue_batch([*mails, *notices])

    def _consent(self, opening: Opening, now: Instant) -> Consent:
        requested, opened = ConsentKind.REQUESTED, opening.round
        return Consent(self.ids.new(), requested, opened.subscriber, opened.id, now, opening.evidence)

    def _confirmation(self, subscriber: Subscriber, token: Token) -> NewDelivery:
        return mail_to(self.keys.newest, subscriber, LetterKind.CONFIRMATION, token.id, token.expires_at)

    def _event(self, opening: Opening, now: Instant) -> AuditEvent:
        resource, status = subscriber_resource(opening.round.subscriber), opening.before.status
        before = {"status": str(status)} if status is not Status.PENDING else None
        after = {"round": str(opening.round.id), "status": str(Status.PENDING)}
        if opening.token is None:
            after["mail"] = "withheld"
        origin = opening.evidence.origin
        return self.auditor.event(Action.SUBSCRIBER_SIGNED_UP, origin, resource, now, before=before, after=after)


UNCONFIRMED_FOR = timedelta(days=30)
"""Long for somebody on holiday; who still wants it then signs up again."""

LAPSED_AT_ONCE = 5_000
"""Rounds in one transaction: a fraction of a second of work, however many have piled up."""


@attrs.frozen
class LapseRounds:
    """A job: sign-ups that nobody confirmed end. Who had been here before is again what they were; who had not is
    removed, and all that is known of them forgotten. Returns how many subscribers that concerned.
    """

    uow: UnitOfWork
    auditor: Auditor

    async def __call__(self) -> int:
        lapsed = 0
        while concerned := await self._lapse():
            lapsed += concerned
        return lapsed

    async def _lapse(self) -> int:
        async with self.uow() as tx:
            now = await tx.now()
            lapsed = await tx.subscribers.lapse(now - UNCONFIRMED_FOR, LAPSED_AT_ONCE)
            returned, removed = len(lapsed.returned), len(lapsed.removed)
            if removed:
                await forget_removed(tx, lapsed.removed, lapsed.rounds)
            if returned or removed:
                resource, after = Resource("store", "rounds"), {"returned": returned, "removed": removed}
                event = self.auditor.event(Action.ROUNDS_LAPSED, system("lapse rounds"), resource, now, after=after)
                await tx.audit.append_batch([event])
        return returned + removed
