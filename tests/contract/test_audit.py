from tests.support.builders import audit_event, later
from tests.support.faults import rolled_back
from zero2prod_core.domain.audit import Action, AuditOutcome, Resource
from zero2prod_core.domain.origins import system
from zero2prod_core.ports.store import UnitOfWork


async def test_an_event_comes_back_as_it_was_appended(uow: UnitOfWork) -> None:
    event = audit_event(outcome=AuditOutcome.FAILURE, reason="refused: Grüße")
    async with uow() as tx:
        await tx.audit.append_batch([event])
    async with uow.reading() as tx:
        (found,) = await tx.audit.tail(10)
    assert found == event
    assert found.details == {"network_address": "192.0.2.1", "user_agent": "A browser"}


async def test_an_event_without_anything_personal_covers_the_same_text(uow: UnitOfWork) -> None:
    event = audit_event(action=Action.SWEPT, origin=system("sweep"), resource=Resource("store", "x"), before=None)
    async with uow() as tx:
        await tx.audit.append_batch([event])
        (found,) = await tx.audit.tail(1)
    assert (found.id, found.canonical, found.details) == (event.id, event.canonical, {})


async def test_the_tail_is_newest_first_and_no_longer_than_asked(uow: UnitOfWork) -> None:
    events = [audit_event(occurred_at=later(seconds)) for seconds in (20, 0, 10, 10)]
    async with uow() as tx:
        await tx.audit.append_batch(events[:2])
        await tx.audit.append_batch(events[2:])
        await tx.audit.append_batch([])
    newest_first = [events[0], events[3], events[2], events[1]]
    async with uow.reading() as tx:
        assert await tx.audit.tail(10) == newest_first
        assert await tx.audit.tail(2) == newest_first[:2]


async def test_events_fall_with_their_transaction(uow: UnitOfWork) -> None:
    await rolled_back(uow, lambda tx: tx.audit.append_batch([audit_event()]))
    async with uow.reading() as tx:
        assert await tx.audit.tail(10) == []
