"""Deliveries to bare e-mail addresses: no port adds them yet, but the ledger knows what to do with them."""

from collections.abc import AsyncIterator, Iterator

import pytest

from adapters_postgres.embedded import EmbeddedPostgres
from adapters_postgres.unit_of_work import PostgresUnitOfWork
from tests.support.databases import Database, migrated_database
from tests.support.pools import opened_pool
from zero2prod.testing.builders import KEY, T0, email, new_id, suppression
from zero2prod.testing.ledger import Ledger
from zero2prod_core.domain.deliveries import GIVE_UP_AFTER, DeliveryKey, DeliveryState, NewDelivery, RecipientKind
from zero2prod_core.domain.letters import LetterKind, template_letter
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER
from zero2prod_core.domain.suppressions import Reason, digest

SOMEBODY = email("Some.Body@example.com")
DIGEST = digest(KEY, SOMEBODY)
INVITATION = template_letter(DEFAULT_NEWSLETTER.id, LetterKind.INVITATION)


@pytest.fixture(scope="module")
def store(postgres_server: EmbeddedPostgres) -> Iterator[Database]:
    with migrated_database(postgres_server, "bare") as database:
        yield database


@pytest.fixture
async def ledger(store: Database) -> AsyncIterator[Ledger]:
    store.empty()
    async with opened_pool(store.url, size=1) as pool:
        yield Ledger(PostgresUnitOfWork(pool))


async def invited(ledger: Ledger, store: Database) -> NewDelivery:
    """An invitation to SOMEBODY that is due."""
    key = DeliveryKey(INVITATION.id, new_id(), new_id())
    row = [key.recipient, SOMEBODY.text, SOMEBODY.key, SOMEBODY.domain, DIGEST.value, DIGEST.key_id]
    store.superuser.execute("INSERT INTO bare_recipients VALUES (%s, %s, %s, %s, %s, %s)", row)
    kind, give_up_at = RecipientKind.EMAIL_ADDRESS, T0 + GIVE_UP_AFTER
    invitation = NewDelivery(key, kind, SOMEBODY.domain, DIGEST, INVITATION.priority, give_up_at)
    await ledger.enqueue(invitation)
    return invitation


async def test_they_are_mailed_without_a_name(ledger: Ledger, store: Database) -> None:
    invitation = await invited(ledger, store)
    (claimed,) = await ledger.claim(urgent=True)
    assert (claimed.key, claimed.kind) == (invitation.key, RecipientKind.EMAIL_ADDRESS)
    assert (claimed.email, claimed.name) == (SOMEBODY, "")
    assert await ledger.mark(claimed) == [True]


@pytest.mark.parametrize("reason", Reason)
async def test_every_suppression_holds_for_them(ledger: Ledger, store: Database, reason: Reason) -> None:
    invitation = await invited(ledger, store)
    async with ledger.uow() as tx:
        await tx.suppressions.add_batch([suppression(DIGEST, reason)])
    assert await ledger.claim(urgent=True) == []
    assert await ledger.state(invitation.key) is DeliveryState.SUPPRESSED


async def test_one_that_was_erased_is_not_mailed(ledger: Ledger, store: Database) -> None:
    invitation = await invited(ledger, store)
    (claimed,) = await ledger.claim(urgent=True)
    store.superuser.execute("DELETE FROM bare_recipients")
    assert await ledger.mark(claimed) == [False]
    assert await ledger.state(invitation.key) is DeliveryState.SUPPRESSED
