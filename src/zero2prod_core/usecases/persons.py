"""A person, whom several use cases hold, name and forget: an e-mail address with its subscribers of all newsletters."""

from collections.abc import Collection, Iterable, Sequence
from typing import TypeAlias
from uuid import UUID

from zero2prod_core.domain.audit import Resource
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.keys import KeyRing
from zero2prod_core.domain.subscribers import Subscriber
from zero2prod_core.domain.suppressions import Digest, digests
from zero2prod_core.errors import SubscriberUnknown
from zero2prod_core.ports.store import Transaction

Whom: TypeAlias = UUID | EmailAddress
"""A subscriber by id, or an e-mail address, which need not be a subscriber's."""


def subscriber_resource(id_: UUID) -> Resource:
    return Resource("subscriber", str(id_))


def suppression_resource(keyed: Digest) -> Resource:
    """An e-mail address as the audit log names it: by its digest and the id of the key that made it."""
    return Resource("suppression", f"{keyed.key_id}:{keyed.value.hex()}")


def known_digests(keys: KeyRing, email: EmailAddress, subscribers: Iterable[Subscriber]) -> Collection[Digest]:
    """Every digest of an e-mail address that anything may be kept under: subscribers may have that of a key that is not
    listed any more.
    """
    return dict.fromkeys([*digests(keys, email), *(each.digest for each in subscribers)])


async def hold_person(tx: Transaction, whom: Whom) -> tuple[EmailAddress, Sequence[Subscriber]]:
    """An e-mail address and its subscribers of all newsletters, locked. Raises SubscriberUnknown for an unknown id."""
    ids = [whom] if isinstance(whom, UUID) else [each.id for each in await tx.subscribers.of_email(whom)]
    sharing = await tx.subscribers.sharing_email(ids)
    if isinstance(whom, EmailAddress):
        return whom, sharing
    if not sharing:
        raise SubscriberUnknown
    return sharing[0].email, sharing


async def forget_removed(
    tx: Transaction, subscribers: Collection[UUID], rounds: Collection[UUID], known: Collection[Digest] = ()
) -> None:
    """Forget what is kept elsewhere of subscribers who were removed with these rounds: links, and whatever evidence,
    audit events and deliveries tell of them. ``known``: e-mail addresses of which no note shall be left either.
    """
    await tx.tokens.forget([*subscribers, *rounds])
    await tx.consent.forget(subscribers)
    if known:
        await tx.suppressions.forget_notes(known)
    await tx.audit.forget([*map(subscriber_resource, subscribers), *map(suppression_resource, known)])
    await tx.deliveries.forget(subscribers)
