from tests.support.builders import consent, later, new_id
from zero2prod_core.domain.consent import ConsentKind, Evidence
from zero2prod_core.domain.origins import Actor, ActorKind, Origin
from zero2prod_core.ports.store import UnitOfWork


async def test_a_subscribers_records_come_back_oldest_first(uow: UnitOfWork) -> None:
    reader = new_id()
    mail = "<a.b.c@example.com>"
    confirmed = consent(reader, kind=ConsentKind.CONFIRMED, occurred_at=later(60), message_id=mail)
    requested = consent(reader, occurred_at=later(0))
    async with uow() as tx:
        await tx.consent.add_batch([confirmed, requested])
        await tx.consent.add_batch([consent(new_id())])
    async with uow.reading() as tx:
        assert await tx.consent.of(reader) == [requested, confirmed]


async def test_evidence_may_know_little(uow: UnitOfWork) -> None:
    bare = consent(new_id(), round=None, evidence=Evidence(Origin(Actor(ActorKind.TERMINAL, "root")), "terminal"))
    async with uow() as tx:
        await tx.consent.add_batch([bare])
    async with uow.reading() as tx:
        assert await tx.consent.of(bare.subscriber) == [bare]


async def test_nobody_has_no_records(uow: UnitOfWork) -> None:
    async with uow() as tx:
        await tx.consent.add_batch([])
        assert await tx.consent.of(new_id()) == []
