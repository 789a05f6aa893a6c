"""A person is forgotten: what is left says that something happened, and when, but not to whom."""

from collections.abc import Collection, Sequence

import attrs

from zero2prod_core.domain.audit import Action
from zero2prod_core.domain.keys import KeyRing
from zero2prod_core.domain.origins import ActorKind, Origin
from zero2prod_core.domain.subscribers import Subscriber
from zero2prod_core.domain.suppressions import Digest, Reason, digest, digests
from zero2prod_core.errors import SubscriberUnknown
from zero2prod_core.ports.store import Transaction, UnitOfWork
from zero2prod_core.usecases.audit import Auditor
from zero2prod_core.usecases.suppressions import (
    Whom,
    hold_person,
    subscriber_resource,
    suppress,
    suppression_resource,
)


async def erase(tx: Transaction, keys: KeyRing, auditor: Auditor, origin: Origin, whom: Whom) -> int:
    """Erase an e-mail address with its subscribers of all newsletters; returns how many those were.

    Its keyed digest stays, so that neither staff nor a list from elsewhere can bring it back; the person can. Evidence,
    audit events and deliveries keep what happened when, without whoever it happened to. Who was erased before: 0.

    Raises:
        SubscriberUnknown: nobody of this id or e-mail address was ever known.
    """
    email, subscribers = await hold_person(tx, whom)
    known = tuple(dict.fromkeys([*digests(keys, email), *(each.digest for each in subscribers)]))
    if not (subscribers or any(await tx.suppressions.reasons([known]))):
        raise SubscriberUnknown
    await _forget(tx, subscribers, known)
    added = await suppress(tx, keys, email, subscribers, Reason.ERASURE)
    now, bare = await tx.now(), _without_person(origin)
    about = [(Action.SUBSCRIBER_ERASED, subscriber_resource(each.id)) for each in subscribers]
    if added and not subscribers:
        about.append((Action.SUPPRESSION_ADDED, suppression_resource(digest(keys.newest, email))))
    after = {"reason": Reason.ERASURE.value}
    await tx.audit.append_batch([auditor.event(action, bare, what, now, after=after) for action, what in about])
    return len(subscribers)


async def _forget(tx: Transaction, subscribers: Sequence[Subscriber], known: Collection[Digest]) -> None:
    ids = [each.id for each in subscribers]
    rounds = await tx.subscribers.remove_batch(ids)
    await tx.tokens.forget([*ids, *rounds])
    await tx.consent.forget(ids)
    await tx.suppressions.forget_notes(known)
    await tx.audit.forget([*map(subscriber_resource, ids), *map(suppression_resource, known)])
    await tx.deliveries.forget(ids)


def _without_person(origin: Origin) -> Origin:
    """Whoever asked by a link is the person; a member of staff is not."""
    if origin.actor.kind is not ActorKind.VISITOR:
        return origin
    return attrs.evolve(origin, network_address=None, user_agent=None)


@attrs.frozen
class ErasePerson:
    """`erase`, on a member of staff's word."""

    uow: UnitOfWork
    keys: KeyRing
    auditor: Auditor

    async def __call__(self, origin: Origin, whom: Whom) -> int:
        async with self.uow() as tx:
            return await erase(tx, self.keys, self.auditor, origin, whom)
