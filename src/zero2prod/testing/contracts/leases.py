from datetime import timedelta

from zero2prod.testing.builders import T0, delivery, later, new_id
from zero2prod.testing.contract import Contract
from zero2prod.testing.contracts.beginnings import AT_LEASE_END, BUSY, JUST, LATER, NEVER, OK, attempting, claimed
from zero2prod.testing.ledger import LASTS, mark
from zero2prod_core.domain.deliveries import DeliveryState
from zero2prod_core.ports.deliveries import Expired, Settled

PENDING, LEASED, UNCERTAIN = DeliveryState.PENDING, DeliveryState.LEASED, DeliveryState.UNCERTAIN
SENT = DeliveryState.SENT


class LeasesContract(Contract):
    """How leases hold and end."""

    async def test_renewing_moves_the_end_of_a_lease(self) -> None:
        _, _, taken = await claimed(self.ledger)
        assert await self.ledger.renew(taken.lease, at=later(20))
        assert await self.ledger.mark(taken, at=later(20 + AT_LEASE_END - JUST)) == [True]
        assert not await self.ledger.report(taken, LATER, at=later(20 + AT_LEASE_END))

    async def test_an_ended_lease_cannot_be_renewed(self) -> None:
        _, _, taken = await claimed(self.ledger)
        assert not await self.ledger.renew(taken.lease, at=later(AT_LEASE_END))
        assert not await self.ledger.renew(new_id(), at=T0)
        assert await self.ledger.expire(later(AT_LEASE_END)) == Expired(1, 0)
        assert not await self.ledger.renew(taken.lease, at=T0)

    async def test_releasing_a_lease_gives_its_rows_back(self) -> None:
        words, readers = await self.ledger.letter(), await self.ledger.readers(4)
        await self.ledger.enqueue(*(delivery(words, reader) for reader in readers))
        batch = await self.ledger.claim()
        await self.ledger.mark(*batch[:2])
        await self.ledger.report(batch[0], OK)
        assert await self.ledger.release(batch[0].lease) == Expired(2, 1)
        assert await self.ledger.sums(words) == {SENT: 1, UNCERTAIN: 1, PENDING: 2}
        assert await self.ledger.release(batch[0].lease) == Expired(0, 0)
        assert await self.ledger.mark(*batch[2:]) == [False, False]
        assert len(await self.ledger.claim()) == 2

    async def test_a_released_lease_cannot_be_renewed(self) -> None:
        _, _, taken = await claimed(self.ledger)
        await self.ledger.release(taken.lease)
        assert not await self.ledger.renew(taken.lease, at=T0)
        assert await self.ledger.state(taken.key) == PENDING

    async def test_one_lease_ends_without_the_other(self) -> None:
        words, readers = await self.ledger.letter(), await self.ledger.readers(2)
        await self.ledger.enqueue(*(delivery(words, reader) for reader in readers))
        (first,), (second,) = await self.ledger.claim(1), await self.ledger.claim(1)
        assert await self.ledger.release(first.lease) == Expired(1, 0)
        assert await self.ledger.states([first.key, second.key]) == {first.key: PENDING, second.key: LEASED}

    async def test_expiry_ends_only_leases_whose_time_is_over(self) -> None:
        words, readers = await self.ledger.letter(), await self.ledger.readers(3)
        await self.ledger.enqueue(*(delivery(words, reader) for reader in readers))
        (young,) = await self.ledger.claim(1, at=later(1))
        (quiet,), (busy,) = await self.ledger.claim(1), await self.ledger.claim(1)
        await self.ledger.mark(busy)
        assert await self.ledger.expire(later(AT_LEASE_END - JUST)) == Expired(0, 0)
        assert await self.ledger.expire(later(AT_LEASE_END)) == Expired(1, 1)
        states = await self.ledger.states([young.key, quiet.key, busy.key])
        assert states == {young.key: LEASED, quiet.key: PENDING, busy.key: UNCERTAIN}
        assert await self.ledger.expire(later(AT_LEASE_END)) == Expired(0, 0)

    async def test_a_row_taken_back_belongs_to_whoever_takes_it_next(self) -> None:
        _, _, first = await claimed(self.ledger)
        await self.ledger.expire(later(AT_LEASE_END))
        (second,) = await self.ledger.claim(at=later(AT_LEASE_END))
        assert second.attempt == 1
        moment = later(AT_LEASE_END + 1)
        assert not await self.ledger.report(first, NEVER, at=moment)
        assert await self.ledger.mark(first, second, at=moment) == [False, True]
        assert await self.ledger.report(second, OK, at=moment)
        assert await self.ledger.state(second.key) == SENT

    async def test_a_lease_that_still_holds_is_not_the_lease_of_a_row_it_gave_up(self) -> None:
        _, _, first = await attempting(self.ledger)
        await self.ledger.report(first, BUSY)
        moment = later(AT_LEASE_END - JUST)
        (second,) = await self.ledger.claim(at=moment)
        assert (second.key, second.attempt) == (first.key, first.attempt)
        assert await self.ledger.mark(first, second, at=moment) == [False, True]
        assert not await self.ledger.report(first, OK, at=moment)
        assert await self.ledger.report(second, OK, at=moment)

    async def test_the_ledger_goes_by_the_stores_clock_by_default(self) -> None:
        words, (reader,) = await self.ledger.letter(), await self.ledger.readers(1)
        lease = new_id()
        async with self.ledger.uow() as tx:
            give_up_at = await tx.now() + timedelta(days=1)
            await tx.deliveries.enqueue_batch([delivery(words, reader, give_up_at=give_up_at)])
            assert await tx.deliveries.unfinished() == 1
            (taken,) = await tx.deliveries.claim_batch(lease, "worker", LASTS, 1, urgent=False)
            assert await tx.deliveries.renew(lease, LASTS)
            assert await tx.deliveries.settle_batch([], [mark(taken)]) == Settled((), (True,))
            assert await tx.deliveries.expire() == Expired(0, 0)
            assert await tx.deliveries.release(lease) == Expired(0, 1)
            assert await tx.deliveries.enqueue_audience(words, timedelta(days=1)) == 0
