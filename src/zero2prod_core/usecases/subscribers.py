from collections.abc import Collection, Sequence

import attrs

from zero2prod_core.domain.audit import Action, AuditEvent
from zero2prod_core.domain.consent import Consent, ConsentKind, Evidence
from zero2prod_core.domain.deliveries import DeliveryKey, message_id
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.keys import Key, KeyRing
from zero2prod_core.domain.letters import LetterKind, template_letter
from zero2prod_core.domain.newsletters import Newsletter
from zero2prod_core.domain.origins import Origin
from zero2prod_core.domain.subscribers import (
    TRANSITIONS,
    Event,
    Round,
    RoundState,
    Status,
    Subscriber,
)
from zero2prod_core.domain.suppressions import LIFTED_BY_CONFIRMING, Digest, Suppression
from zero2prod_core.domain.tokens import Purpose, Token, read_token
from zero2prod_core.errors import TokenUnknown
from zero2prod_core.ports.store import Transaction, UnitOfWork
from zero2prod_core.ports.system import Ids
from zero2prod_core.usecases.audit import Auditor
from zero2prod_core.usecases.persons import known_digests, subscriber_resource
from zero2prod_core.usecases.policy import Policy
from zero2prod_core.usecases.tokens import stored_token


@attrs.frozen
class Confirm:
    """Confirm the round that a mailed link belongs to; doing it again answers the same and changes nothing.

    Raises:
        FieldMissing, TokenMalformed, TokenUnknown, TokenExpired: see `read_token`; a round that was ended is unknown.
    """

    uow: UnitOfWork
    ids: Ids
    keys: KeyRing
    policy: Policy
    auditor: Auditor

    async def __call__(self, token_text: str, evidence: Evidence) -> Newsletter:
        presented = read_token(self.keys, Purpose.CONFIRM, token_text)
        async with self.uow() as tx:
            token = await stored_token(tx, presented, Purpose.CONFIRM, lock=True)
            opened, subscriber = await _round_of(tx, token, lock=True)
            if opened.state is RoundState.OPEN:
                await tx.tokens.spend(token.id, await tx.now())
                await tx.subscribers.save_round(attrs.evolve(opened, state=RoundState.CONFIRMED))
                await self._confirm(
                    tx, opened, subscriber, evidence, self._message_id(presented.key, subscriber, token)
                )
            return await newsletter_of(tx, subscriber)

    async def _confirm(
        self, tx: Transaction, opened: Round, subscriber: Subscriber, evidence: Evidence, mail: str
    ) -> None:
        now = await tx.now()
        if subscriber.status is not Status.CONFIRMED:
            await tx.subscribers.save_batch([subscriber.confirmed(opened, now)])
            known = known_digests(self.keys, subscriber.email, [subscriber])
            await tx.suppressions.lift(known, LIFTED_BY_CONFIRMING)
            await self._keep_suppressed(tx, subscriber.digest, known)
        record = Consent(self.ids.new(), ConsentKind.CONFIRMED, subscriber.id, opened.id, now, evidence, mail)
        await tx.consent.add_batch([record])
        await tx.audit.append_batch([self._event(subscriber, evidence.origin, now)])

    async def _keep_suppressed(self, tx: Transaction, own: Digest, known: Collection[Digest]) -> None:
        """What came between the mail and this, and only the staff lift, may stand under another key than the one that
        claims ask by: consent is kept, and no issue is sent.
        """
        ((held),) = await tx.suppressions.reasons([known])
        if held:
            now = await tx.now()
            await tx.suppressions.add_batch([Suppression(own, reason, now) for reason in sorted(held)])

    def _message_id(self, key: Key, subscriber: Subscriber, token: Token) -> str:
        """Of the mail that held the link: whatever key the ring has by now, one key made both."""
        letter = template_letter(subscriber.newsletter, LetterKind.CONFIRMATION)
        return message_id(key, DeliveryKey(letter.id, subscriber.id, token.id), self.policy.mail_domain)

    def _event(self, subscriber: Subscriber, origin: Origin, now: Instant) -> AuditEvent:
        resource = subscriber_resource(subscriber.id)
        before, after = {"status": str(subscriber.status)}, {"status": str(Status.CONFIRMED)}
        return self.auditor.event(Action.SUBSCRIBER_CONFIRMED, origin, resource, now, before=before, after=after)


async def _round_of(tx: Transaction, token: Token, *, lock: bool = False) -> tuple[Round, Subscriber]:
    """The token's round and its subscriber, where the round can be confirmed, or was and the subscriber still is."""
    opened = await tx.subscribers.get_round(token.subject)
    if opened is None or opened.state is RoundState.ENDED:
        raise TokenUnknown
    found = await tx.subscribers.get_batch([opened.subscriber], lock=lock)
    subscriber: Subscriber | None = found.get(opened.subscriber)
    if lock:
        # Whoever ends rounds holds the subscriber: only now does the round stand still.
        opened = await tx.subscribers.get_round(token.subject)
    if opened is None or subscriber is None or not _confirmable(opened, subscriber.status):
        raise TokenUnknown
    return opened, subscriber


def _confirmable(opened: Round, status: Status) -> bool:
    can_be = opened.state is RoundState.OPEN and (status, Event.CONFIRM) in TRANSITIONS
    return opened.state is not RoundState.ENDED and (can_be or status is Status.CONFIRMED)


@attrs.frozen
class Unsubscribe:
    """Take the subscriber whom an issue's link names off the newsletter; doing it again answers the same.

    Consent is withdrawn with the evidence, and every link of an earlier sign-up ends. No mail of the newsletter is
    completed that was not yet under way when this returns.

    Raises:
        FieldMissing, TokenMalformed, TokenUnknown: see `read_token`; somebody who was erased is unknown.
    """

    uow: UnitOfWork
    ids: Ids
    keys: KeyRing
    auditor: Auditor

    async def __call__(self, token_text: str, evidence: Evidence) -> Newsletter:
        async with self.uow() as tx:
            subscriber = await _named_subscriber(tx, self.keys, token_text, lock=True)
            await self.withdraw(tx, [subscriber], evidence)
            return await newsletter_of(tx, subscriber)

    async def withdraw(self, tx: Transaction, subscribers: Sequence[Subscriber], evidence: Evidence) -> None:
        """Of subscribers whom the caller holds; those whose status does not know the event stay as they are."""
        leaving = [each for each in subscribers if (each.status, Event.UNSUBSCRIBE) in TRANSITIONS]
        if not leaving:
            return
        now, withdrawn = await tx.now(), ConsentKind.WITHDRAWN
        await tx.subscribers.save_batch([each.on(Event.UNSUBSCRIBE) for each in leaving])
        await tx.subscribers.end_rounds([each.id for each in leaving])
        records = [Consent(self.ids.new(), withdrawn, each.id, None, now, evidence) for each in leaving]
        await tx.consent.add_batch(records)
        await tx.audit.append_batch([self._event(each, evidence.origin, now) for each in leaving])

    def _event(self, before: Subscriber, origin: Origin, now: Instant) -> AuditEvent:
        resource, gone = subscriber_resource(before.id), before.on(Event.UNSUBSCRIBE)
        old, new = {"status": str(before.status)}, {"status": str(gone.status)}
        return self.auditor.event(Action.SUBSCRIBER_UNSUBSCRIBED, origin, resource, now, before=old, after=new)


@attrs.frozen
class CheckUnsubscription:
    """What an issue's link would unsubscribe from, without doing it: what a GET may do. Raises as `Unsubscribe`."""

    uow: UnitOfWork
    keys: KeyRing

    async def __call__(self, token_text: str) -> Newsletter:
        async with self.uow.reading() as tx:
            return await newsletter_of(tx, await _named_subscriber(tx, self.keys, token_text))


async def _named_subscriber(tx: Transaction, keys: KeyRing, token_text: str, *, lock: bool = False) -> Subscriber:
    id_ = read_token(keys, Purpose.UNSUBSCRIBE, token_text, "token").id
    found: Subscriber | None = (await tx.subscribers.get_batch([id_], lock=lock)).get(id_)
    if found is None:
        raise TokenUnknown
    return found


async def newsletter_of(tx: Transaction, subscriber: Subscriber) -> Newsletter:
    return (await tx.newsletters.get_batch([subscriber.newsletter]))[subscriber.newsletter]


@attrs.frozen
class CheckConfirmation:
    """What a mailed link would subscribe to, without using it: what a GET may do. Raises as `Confirm` does."""

    uow: UnitOfWork
    keys: KeyRing

    async def __call__(self, token_text: str) -> Newsletter:
        presented = read_token(self.keys, Purpose.CONFIRM, token_text)
        async with self.uow.reading() as tx:
            token = await stored_token(tx, presented, Purpose.CONFIRM)
            _, subscriber = await _round_of(tx, token)
            return await newsletter_of(tx, subscriber)
