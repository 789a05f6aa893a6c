from zero2prod.testing.builders import T0, delivery, later, new_id
from zero2prod.testing.contract import Contract
from zero2prod.testing.contracts.beginnings import AT_LEASE_END, BUSY, JUST, attempting, claimed
from zero2prod_core.domain.deliveries import GIVE_UP_AFTER, DeliveryState, Postponed

PENDING, ATTEMPTING, FAILED = DeliveryState.PENDING, DeliveryState.ATTEMPTING, DeliveryState.FAILED


class PostponingContract(Contract):
    """Rows that were claimed and must not go yet."""

    async def test_a_row_that_is_put_off_is_due_again_at_its_time_and_its_attempt_not_counted(self) -> None:
        words, _, taken = await claimed(self.ledger)
        assert await self.ledger.postpone(taken, until=later(60)) == 1
        assert await self.ledger.sums(words) == {PENDING: 1}
        assert await self.ledger.claim(at=later(60 - JUST)) == []
        (again,) = await self.ledger.claim(at=later(60))
        assert (again.key, again.attempt) == (taken.key, 1)

    async def test_each_row_has_a_time_of_its_own(self) -> None:
        words, readers = await self.ledger.letter(), await self.ledger.readers(3)
        await self.ledger.enqueue(*(delivery(words, reader) for reader in readers))
        first, second, third = await self.ledger.claim()
        put_off = [Postponed(third.key, later(20)), Postponed(first.key, later(10))]
        async with self.uow() as tx:
            assert await tx.deliveries.postpone_batch(first.lease, put_off) == 2
        assert await self.ledger.mark(second) == [True]
        claims = [[each.key for each in await self.ledger.claim(at=later(at))] for at in (9, 10, 20)]
        assert claims == [[], [first.key], [third.key]]

    async def test_a_row_that_is_put_off_is_nobodys(self) -> None:
        _, _, taken = await claimed(self.ledger)
        await self.ledger.postpone(taken, until=later(60))
        assert await self.ledger.mark(taken) == [False]
        assert not await self.ledger.report(taken, BUSY)

    async def test_only_rows_that_wait_under_the_lease_are_put_off(self) -> None:
        _, _, attempted = await attempting(self.ledger)
        _, _, taken = await claimed(self.ledger)
        late = [Postponed(attempted.key, later(60)), Postponed(taken.key, later(60))]
        async with self.uow() as tx:
            assert await tx.deliveries.postpone_batch(attempted.lease, late) == 0
            assert await tx.deliveries.postpone_batch(new_id(), late) == 0
            assert await tx.deliveries.postpone_batch(taken.lease, []) == 0
        assert await self.ledger.state(attempted.key) is ATTEMPTING
        assert await self.ledger.mark(taken) == [True]

    async def test_a_lease_whose_rows_were_all_put_off_ends_with_none(self) -> None:
        _, _, taken = await claimed(self.ledger)
        await self.ledger.postpone(taken, until=later(AT_LEASE_END + 60))
        await self.ledger.expire(later(AT_LEASE_END))
        assert await self.ledger.claim(at=later(AT_LEASE_END)) == []

    async def test_a_row_of_an_issue_is_put_off_for_as_long_as_it_takes(self) -> None:
        _, _, taken = await claimed(self.ledger)
        await self.ledger.postpone(taken, until=T0 + 2 * GIVE_UP_AFTER)
        (again,) = await self.ledger.claim(at=T0 + 2 * GIVE_UP_AFTER)
        assert (again.key, again.attempt) == (taken.key, 1)

    async def test_another_row_that_was_put_off_for_too_long_fails(self) -> None:
        words, (reader,) = await self.ledger.letter(), await self.ledger.readers(1)
        await self.ledger.enqueue(delivery(words, reader, new_id()))
        (taken,) = await self.ledger.claim()
        await self.ledger.postpone(taken, until=T0 + GIVE_UP_AFTER)
        assert await self.ledger.claim(at=T0 + GIVE_UP_AFTER) == []
        assert await self.ledger.state(taken.key) is FAILED
