"""The desk between the ledger and the mailer's connections."""

import asyncio
from collections.abc import Awaitable, Iterator, Sequence
from typing import TypeVar
from uuid import UUID

import attrs
import pytest
from structlog.testing import capture_logs

from tests.support.core import ADA, SENT, Core, publication, sign_up
from tests.support.outages import Outage, Unsteady
from tests.support.waiting import PATIENCE, eventually
from zero2prod import desk as module
from zero2prod.desk import LedgerDesk
from zero2prod.testing.builders import number, origin
from zero2prod.testing.faults import CommitLostAfter, CommitLostBefore
from zero2prod_core.domain.breakers import TERMS, Breaker, BreakerKey
from zero2prod_core.domain.deliveries import Deferred, DeliveryState, Rejected, Reply, Scope, SenderFault, Throttled
from zero2prod_core.domain.subscribers import Event
from zero2prod_core.errors import StoreUnavailable
from zero2prod_core.ports.mailer import Parcel
from zero2prod_core.ports.store import UnitOfWork
from zero2prod_core.usecases.deliveries import Consignment

Result = TypeVar("Result")

THROTTLED = Throttled(Reply(421, "4.3.2 not now"), Scope.RELAY)
SLOWLY = Throttled(Reply(451, "4.7.1 slowly"), Scope.DOMAIN)
RELAY = BreakerKey(Scope.RELAY, "relay")


class Office:
    """A desk over a core, which remembers the leases it was done with."""

    def __init__(self, low: int = 1) -> None:
        self.core = Core()
        self.released: list[UUID] = []
        self.desk = LedgerDesk(self.core.application.deliveries.settle, self.released.append, low)

    def settle_through(self, uow: UnitOfWork) -> None:
        """Have a new desk reach the store this way."""
        self.desk = LedgerDesk(self.core.over(uow).deliveries.settle, self.released.append)

    async def issue(self, *readers: str) -> Consignment:
        """Lay out an issue for these readers."""
        await self.core.published(*readers)
        return await self.lay_out(urgent=False)

    async def lay_out(self, *, urgent: bool) -> Consignment:
        consignment = await self.core.application.deliveries.claim("worker", 100, urgent=urgent)
        self.desk.put(consignment, urgent=urgent)
        return consignment

    async def send(self, *parcels: Parcel) -> None:
        granted = await self.desk.settle([], [parcel.mark for parcel in parcels])
        assert all(granted)
        await self.desk.settle([parcel.report(SENT) for parcel in parcels], [])


@pytest.fixture
def office() -> Office:
    return Office()


async def settled(waiting: Awaitable[Result]) -> Result:
    return await asyncio.wait_for(waiting, PATIENCE)


async def is_waiting(task: "asyncio.Task[object]") -> bool:
    """After everyone else has had several turns."""
    for _ in range(10):
        await asyncio.sleep(0)
    return not task.done()


def e_mail_addresses(parcels: Sequence[Parcel]) -> list[str]:
    return sorted(parcel.delivery.email.text for parcel in parcels)


class TestTaking:
    async def test_a_connection_waits_until_something_is_laid_out(self, office: Office) -> None:
        taking = asyncio.ensure_future(office.desk.take())
        assert await is_waiting(taking)
        await office.issue(ADA)
        assert e_mail_addresses(await settled(taking)) == [ADA]

    async def test_it_gets_as_many_as_it_wants_or_as_there_are(self, office: Office) -> None:
        await office.issue("a@example.com", "b@example.com", "c@example.com")
        first, second = await office.desk.take(2), await office.desk.take(2)
        assert (len(first), len(second)) == (2, 1)
        assert e_mail_addresses([*first, *second]) == ["a@example.com", "b@example.com", "c@example.com"]

    async def test_urgent_parcels_go_first_whenever_they_came(self, office: Office) -> None:
        await office.issue("a@example.com")
        await office.core.application.subscribe(sign_up())
        await office.lay_out(urgent=True)
        assert e_mail_addresses(await office.desk.take(9)) == [ADA]
        assert e_mail_addresses(await office.desk.take(9)) == ["a@example.com"]

    async def test_a_connection_kept_for_urgent_parcels_takes_no_others(self, office: Office) -> None:
        await office.issue("a@example.com")
        taking = asyncio.ensure_future(office.desk.take(urgent=True))
        assert await is_waiting(taking)
        await office.core.application.subscribe(sign_up())
        await office.lay_out(urgent=True)
        assert e_mail_addresses(await settled(taking)) == [ADA]

    async def test_of_many_that_wait_each_parcel_goes_to_one(self, office: Office) -> None:
        takings = [asyncio.ensure_future(office.desk.take()) for _ in range(3)]
        await is_waiting(takings[0])
        await office.issue("a@example.com", "b@example.com")
        (last,) = [taking for taking in takings if await is_waiting(taking)]
        taken = [parcel for taking in takings if taking is not last for parcel in await taking]
        assert e_mail_addresses(taken) == ["a@example.com", "b@example.com"]
        office.desk.close()
        assert await settled(last) == ()

    async def test_an_empty_consignment_has_no_lease_to_keep(self, office: Office) -> None:
        await office.lay_out(urgent=False)
        assert list(office.desk.leases) == []
        await settled(office.desk.idle())


class TestTakingAtOnce:
    async def test_it_gets_what_is_there_and_never_waits(self, office: Office) -> None:
        assert office.desk.take_now() == []
        await office.issue("a@example.com", "b@example.com", "c@example.com")
        taken = [office.desk.take_now(2), office.desk.take_now(2), office.desk.take_now(2)]
        assert [len(parcels) for parcels in taken] == [2, 1, 0]

    async def test_urgent_parcels_go_first_and_those_who_want_only_them_get_no_others(self, office: Office) -> None:
        await office.issue("a@example.com")
        await office.core.application.subscribe(sign_up())
        await office.lay_out(urgent=True)
        assert e_mail_addresses(office.desk.take_now(9)) == [ADA]
        assert office.desk.take_now(9, urgent=True) == []
        assert e_mail_addresses(office.desk.take_now(9)) == ["a@example.com"]

    async def test_it_makes_the_desk_hungry(self) -> None:
        office = Office(low=1)
        await office.issue(ADA)
        before = office.desk.hungry.is_set()
        office.desk.take_now()
        assert (before, office.desk.hungry.is_set()) == (False, True)

    async def test_of_a_closed_desk_there_is_nothing(self, office: Office) -> None:
        await office.issue(ADA)
        office.desk.close()
        assert office.desk.take_now() == ()


class TestSettling:
    async def test_a_lease_is_released_with_its_last_parcel(self, office: Office) -> None:
        consignment = await office.issue("a@example.com", "b@example.com")
        first, second = await office.desk.take(2)
        await office.send(first)
        assert (list(office.desk.leases), office.released) == ([consignment.lease], [])
        await office.send(second)
        assert (list(office.desk.leases), office.released) == ([], [consignment.lease])

    async def test_outcomes_are_counted_by_their_names(self, office: Office) -> None:
        await office.issue("a@example.com", "b@example.com", "c@example.com")
        first, second, third = await office.desk.take(3)
        await office.desk.settle([], [first.mark, second.mark, third.mark])
        later, never = Deferred(Reply(450, "later")), Rejected(Reply(550, "never"))
        await office.desk.settle([first.report(SENT), second.report(later), third.report(never)], [])
        assert office.desk.outcomes == {"sent": 1, "deferred": 1, "rejected": 1}

    async def test_a_mark_that_is_refused_settles_its_parcel(self, office: Office) -> None:
        consignment = await office.issue("a@example.com", "b@example.com")
        await office.core.save((await office.core.subscriber("b@example.com")).on(Event.UNSUBSCRIBE))
        parcels = sorted(await office.desk.take(2), key=lambda parcel: parcel.delivery.email.text)
        assert await office.desk.settle([], [parcel.mark for parcel in parcels]) == [True, False]
        assert office.desk.outcomes == {"refused": 1}
        await office.desk.settle([parcels[0].report(SENT)], [])
        assert office.released == [consignment.lease]

    async def test_visits_at_the_same_time_share_a_transaction_and_each_gets_its_own_answer(
        self, office: Office
    ) -> None:
        transactions: list[bool] = []

        def counted() -> Iterator[bool]:
            while True:
                transactions.append(False)
                yield False

        office.settle_through(CommitLostBefore(office.core.store, counted()))
        readers = [f"{name}@example.com" for name in "abcde"]
        await office.issue(*readers)
        await office.core.save((await office.core.subscriber("c@example.com")).on(Event.UNSUBSCRIBE))
        parcels = await office.desk.take(5)
        answers = await asyncio.gather(*(office.desk.settle([], [parcel.mark]) for parcel in parcels))
        refused = [parcel for parcel, answer in zip(parcels, answers, strict=True) if list(answer) == [False]]
        assert e_mail_addresses(refused) == ["c@example.com"]
        assert len(transactions) == 1

    async def test_idle_waits_for_the_last_parcel(self, office: Office) -> None:
        await office.issue(ADA)
        (parcel,) = await office.desk.take()
        idling = asyncio.ensure_future(office.desk.idle())
        assert await is_waiting(idling)
        await office.send(parcel)
        await settled(idling)
        assert idling.done()


class TestClosing:
    async def test_nothing_more_is_handed_out(self, office: Office) -> None:
        await office.issue("a@example.com", "b@example.com")
        await office.desk.take()
        office.desk.close()
        assert await settled(office.desk.take()) == ()
        assert await settled(office.desk.take(urgent=True)) == ()

    async def test_who_waits_is_sent_home(self, office: Office) -> None:
        waiting = [asyncio.ensure_future(office.desk.take()), asyncio.ensure_future(office.desk.take(urgent=True))]
        await is_waiting(waiting[0])
        office.desk.close()
        assert await settled(asyncio.gather(*waiting)) == [(), ()]
        await settled(office.desk.idle())

    async def test_what_is_with_a_connection_can_still_be_settled(self, office: Office) -> None:
        consignment = await office.issue(ADA)
        (parcel,) = await office.desk.take()
        office.desk.close()
        await office.send(parcel)
        assert office.released == [consignment.lease]


class TestLeasesThatEnded:
    async def test_its_parcels_are_handed_out_no_more(self, office: Office) -> None:
        ended = await office.issue("a@example.com", "b@example.com")
        await office.core.confirmed("c@example.com")
        await office.core.application.publish(publication(key=f"key {number()}"), origin())
        await office.lay_out(urgent=False)
        office.desk.drop(ended.lease)
        parcels = await office.desk.take(9)
        assert {parcel.delivery.lease for parcel in parcels}.isdisjoint({ended.lease})
        assert len(parcels) == 3

    async def test_what_was_taken_already_may_still_be_settled_and_releases_nothing(self, office: Office) -> None:
        ended = await office.issue(ADA)
        (parcel,) = await office.desk.take()
        office.desk.drop(ended.lease)
        await settled(office.desk.idle())
        await office.send(parcel)
        assert (office.released, office.desk.outcomes) == ([], {"sent": 1})

    async def test_dropping_what_is_unknown_does_nothing(self, office: Office) -> None:
        await office.issue(ADA)
        office.desk.drop(UUID(int=1))
        assert e_mail_addresses(await office.desk.take()) == [ADA]


class TestHunger:
    async def test_it_is_hungry_while_fewer_bulk_parcels_wait_than_it_wants(self) -> None:
        office = Office(low=2)
        assert office.desk.hungry.is_set()
        await office.issue("a@example.com", "b@example.com")
        assert not office.desk.hungry.is_set()
        await office.desk.take()
        assert office.desk.hungry.is_set()

    async def test_urgent_parcels_do_not_count(self, office: Office) -> None:
        await office.core.application.subscribe(sign_up())
        await office.lay_out(urgent=True)
        assert office.desk.hungry.is_set()


class TestWarning:
    @pytest.mark.parametrize("outcome", [THROTTLED, SLOWLY, SenderFault(Reply(530, "5.7.0 log in first"))])
    async def test_mail_that_is_refused_is_told_of_once_in_a_while(
        self, office: Office, outcome: Throttled | SenderFault
    ) -> None:
        await office.issue("a@example.com", "b@example.com")
        with capture_logs() as logs:
            for parcel in await office.desk.take(2):
                await office.desk.settle([parcel.report(outcome)], [])
        assert [(entry["event"], entry["code"]) for entry in logs] == [("mail_refused", outcome.reply.code)]

    async def test_and_again_when_that_while_is_over(self, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "WARN_EVERY", 0.0)
        await office.issue("a@example.com", "b@example.com")
        with capture_logs() as logs:
            for parcel in await office.desk.take(2):
                await office.desk.settle([parcel.report(THROTTLED)], [])
        assert [entry["outcome"] for entry in logs] == ["throttled", "throttled"]

    async def test_what_concerns_one_recipient_is_told_to_nobody(self, office: Office) -> None:
        await office.issue("a@example.com", "b@example.com")
        first, second = await office.desk.take(2)
        with capture_logs() as logs:
            await office.desk.settle([first.report(Rejected(Reply(550, "never")))], [])
            await office.desk.settle([second.report(Deferred(Reply(450, "later")))], [])
        assert logs == []


class TestProbing:
    """A worker that tries what a breaker held back tells so with the results, until one of them decides."""

    async def trying(self, office: Office, outcomes: int) -> Sequence[Parcel]:
        """The mails with which the relay is tried."""
        readers = [f"reader-{place}@example.com" for place in range(outcomes + 1)]
        await office.issue(*readers)
        (first, *others) = await office.desk.take(outcomes + 1)
        await office.desk.settle([first.report(THROTTLED)], [])
        for parcel in others:
            office.desk.drop(parcel.delivery.lease)
            await office.core.application.deliveries.release(parcel.delivery.lease)
        office.core.clock.forward(TERMS[Scope.RELAY].first)
        assert (await office.lay_out(urgent=False)).probing == [RELAY]
        parcels = await office.desk.take(outcomes)
        await office.desk.settle([], [parcel.mark for parcel in parcels])
        return parcels

    async def breakers(self, office: Office) -> Sequence[Breaker]:
        async with office.core.store.reading() as tx:
            return await tx.breakers.list(10)

    async def test_a_mail_that_is_taken_closes_the_breaker(self, office: Office) -> None:
        (parcel,) = await self.trying(office, 1)
        await office.desk.settle([parcel.report(SENT)], [])
        assert await self.breakers(office) == []

    async def test_it_is_told_until_something_is_decided(self, office: Office) -> None:
        first, second = await self.trying(office, 2)
        await office.desk.settle([first.report(Deferred(Reply(None, "timed out")))], [])
        (breaker,) = await self.breakers(office)
        assert breaker.probing
        await office.desk.settle([second.report(SENT)], [])
        assert await self.breakers(office) == []

    async def test_once_it_has_failed_later_answers_close_nothing(self, office: Office) -> None:
        first, second = await self.trying(office, 2)
        await office.desk.settle([first.report(THROTTLED)], [])
        await office.desk.settle([second.report(SENT)], [])
        (breaker,) = await self.breakers(office)
        assert (breaker.failures, breaker.probing) == (2, False)

    async def test_it_is_forgotten_with_a_lease_that_has_ended(self, office: Office) -> None:
        (parcel,) = await self.trying(office, 1)
        office.desk.drop(parcel.delivery.lease)
        await office.desk.settle([parcel.report(SENT)], [])
        (breaker,) = await self.breakers(office)
        assert breaker.probing

    async def test_it_is_forgotten_with_the_last_mail_that_tried(self, office: Office) -> None:
        (parcel,) = await self.trying(office, 1)
        await office.desk.settle([parcel.report(Deferred(Reply(None, "timed out")))], [])
        await office.core.published()
        claimed = await office.core.application.deliveries.claim("worker", 100, urgent=False, insist=True)
        office.desk.put(attrs.evolve(claimed, probing=()), urgent=False)
        await office.send(*await office.desk.take(100))
        (breaker,) = await self.breakers(office)
        assert breaker.probing

    async def test_each_lease_tells_of_its_own(self, office: Office) -> None:
        first, second = await self.trying(office, 2)
        await office.core.published()
        claimed = await office.core.application.deliveries.claim("worker", 100, urgent=False, insist=True)
        office.desk.put(attrs.evolve(claimed, probing=()), urgent=False)
        office.desk.drop(claimed.lease)
        await office.desk.settle([first.report(Deferred(Reply(None, "timed out")))], [])
        await office.desk.settle([second.report(SENT)], [])
        assert await self.breakers(office) == []

    async def test_while_the_store_is_away_nothing_of_it_is_forgotten(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "RETRY_EVERY", 0.001)
        office.settle_through(CommitLostBefore(office.core.store, [False, False, True, False]))
        (parcel,) = await self.trying(office, 1)
        await office.desk.settle([parcel.report(SENT)], [])
        assert await self.breakers(office) == []


class TestStoresThatAreAway:
    @pytest.fixture(autouse=True)
    def impatient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "RETRY_EVERY", 0.001)

    async def test_results_and_marks_wait_for_its_return(self, office: Office) -> None:
        uow = Unsteady(office.core.store)
        office.settle_through(uow)
        await office.issue("a@example.com", "b@example.com")
        first, second = await office.desk.take(2)
        await office.desk.settle([], [first.mark])
        uow.outage = Outage.AWAY
        with capture_logs() as logs:
            settling = asyncio.ensure_future(office.desk.settle([first.report(SENT)], [second.mark]))

            async def tried_thrice() -> bool:
                return len(logs) >= 3

            assert await eventually(tried_thrice)
        assert await is_waiting(settling)
        assert {(entry["event"], entry["code"]) for entry in logs} == {("store_unavailable", StoreUnavailable.code)}
        uow.outage = Outage.NONE
        assert await settled(settling) == [True]
        (issue,) = await office.core.application.list_issues()
        assert await office.core.sums(issue) == {DeliveryState.SENT: 1, DeliveryState.ATTEMPTING: 1}

    @pytest.mark.parametrize("fault", [CommitLostBefore, CommitLostAfter])
    async def test_a_commit_of_unknown_outcome_loses_no_answer_and_no_mark(
        self, office: Office, fault: type[CommitLostBefore] | type[CommitLostAfter]
    ) -> None:
        office.settle_through(fault(office.core.store, [True, False, True, False]))
        await office.issue(ADA)
        (parcel,) = await office.desk.take()
        await settled(office.send(parcel))
        (issue,) = await office.core.application.list_issues()
        assert await office.core.sums(issue) == {DeliveryState.SENT: 1}
        assert office.desk.outcomes == {"sent": 1}

    async def test_a_defect_reaches_whoever_settles(self, office: Office) -> None:
        uow = Unsteady(office.core.store)
        office.settle_through(uow)
        await office.issue(ADA)
        (parcel,) = await office.desk.take()
        uow.outage = Outage.BROKEN
        with pytest.raises(RuntimeError):
            await office.desk.settle([], [parcel.mark])
