"""A person is forgotten: what is left says that something happened, and when, but not to whom."""

import attrs

from zero2prod_core.domain.audit import Action
from zero2prod_core.domain.keys import KeyRing
from zero2prod_core.domain.origins import ActorKind, Origin
from zero2prod_core.domain.suppressions import Reason, digest
from zero2prod_core.errors import SubscriberUnknown
from zero2prod_core.ports.store import Transaction, UnitOfWork
from zero2prod_core.usecases.audit import Auditor
from zero2prod_core.usecases.persons import (
    Whom,
    forget_removed,
    hold_person,
    known_digests,
    subscriber_resource,
    suppression_resource,
)
from zero2prod_core.usecases.suppressions import suppress


async def erase(tx: Transaction, keys: KeyRing, auditor: Auditor, origin: Origin, whom: Whom) -> int:
    """Erase an e-mail address with its subscribers of all newsletters; returns how many those were.

    Its keyed digest stays, so that neither staff nor a list from elsewhere can bring it back; the person can. Evidence,
    audit events and deliveries keep what happened when, without whoever it happened to. Who was erased before: 0.

    Raises:
        SubscriberUnknown: nobody of this id or e-mail address was ever known.
    """
    email, subscribers = await hold_person(tx, whom)
    known = known_digests(keys, email, subscribers)
    if not (subscribers or any(await tx.suppressions.reasons([known]))):
        raise SubscriberUnknown
    ids = [each.id for each in subscribers]
    await forget_removed(tx, ids, await tx.subscribers.remove_batch(ids), known)
    added = await suppress(tx, keys, email, subscribers, Reason.ERASURE)
    now, bare = await tx.now(), _without_person(origin)
    about = [(Action.SUBSCRIBER_ERASED, subscriber_resource(id_)) for id_ in ids]
    if added and not subscribers:
        about.append((Action.SUPPRESSION_ADDED, suppression_resource(digest(keys.newest, email))))
    after = {"reason": Reason.ERASURE.value}
    await tx.audit.append_batch([auditor.event(action, bare, what, now, after=after) for action, what in about])
    return len(subscribers)


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
