from zero2prod.testing.builders import audit_event, later
from zero2prod.testing.contract import Contract
from zero2prod.testing.faults import rolled_back
from zero2prod_core.domain.audit import Action, AuditOutcome, Resource
from zero2prod_core.domain.origins import system


class AuditContract(Contract):
    """The audit log: `zero2prod_core.ports.audit.AuditLog`."""

    async def test_an_event_comes_back_as_it_was_appended(self) -> None:
        event = audit_event(outcome=AuditOutcome.FAILURE, reason="refused: Grüße")
        async with self.uow() as tx:
            await tx.audit.append_batch([event])
        async with self.uow.reading() as tx:
            (found,) = await tx.audit.tail(10)
        assert found == event
        assert found.details == {"network_address": "192.0.2.1", "user_agent": "A browser"}

    async def test_an_event_without_anything_personal_covers_the_same_text(self) -> None:
        event = audit_event(action=Action.SWEPT, origin=system("sweep"), resource=Resource("store", "x"), before=None)
        async with self.uow() as tx:
            await tx.audit.append_batch([event])
            (found,) = await tx.audit.tail(1)
        assert (found.id, found.canonical, found.details) == (event.id, event.canonical, {})

    async def test_the_audit_tail_is_newest_first_and_no_longer_than_asked(self) -> None:
        events = [audit_event(occurred_at=later(seconds)) for seconds in (20, 0, 10, 10)]
        async with self.uow() as tx:
            await tx.audit.append_batch(events[:2])
            await tx.audit.append_batch(events[2:])
            await tx.audit.append_batch([])
        newest_first = [events[0], events[3], events[2], events[1]]
        async with self.uow.reading() as tx:
            assert await tx.audit.tail(10) == newest_first
            assert await tx.audit.tail(2) == newest_first[:2]

    async def test_events_fall_with_their_transaction(self) -> None:
        await rolled_back(self.uow, lambda tx: tx.audit.append_batch([audit_event()]))
        async with self.uow.reading() as tx:
            assert await tx.audit.tail(10) == []

    async def test_events_about_something_are_the_newest_of_it_oldest_first(self) -> None:
        mine, yours = Resource("subscriber", "1"), Resource("suppression", "1")
        events = [audit_event(occurred_at=later(seconds), resource=mine) for seconds in (20, 0, 10)]
        other, stranger = (
            audit_event(resource=yours, occurred_at=later(5)),
            audit_event(resource=Resource("issue", "1")),
        )
        async with self.uow() as tx:
            await tx.audit.append_batch([*events, other, stranger])
        async with self.uow.reading() as tx:
            assert await tx.audit.about([mine, yours], 10) == [events[1], other, events[2], events[0]]
            assert await tx.audit.about([mine, yours], 2) == [events[2], events[0]]
            assert await tx.audit.about([Resource("subscriber", "2")], 10) == []
            assert await tx.audit.about([], 10) == []

    async def test_an_events_words_are_among_its_details_and_can_be_forgotten_with_them(self) -> None:
        mine = Resource("subscriber", "1")
        event, other = audit_event(resource=mine, words="She rang: Grüße"), audit_event(words="kept")
        async with self.uow() as tx:
            await tx.audit.append_batch([event, other])
        async with self.uow.reading() as tx:
            assert await tx.audit.about([mine], 10) == [event]
        async with self.uow() as tx:
            await tx.audit.forget([mine, Resource("subscriber", "2")])
            await tx.audit.forget([])
        async with self.uow.reading() as tx:
            assert await tx.audit.about([mine], 10) == [event.without_details]
            assert await tx.audit.about([other.resource], 10) == [other]
