from collections.abc import Mapping
from datetime import timedelta

from zero2prod.testing.builders import later
from zero2prod.testing.contract import Contract
from zero2prod.testing.faults import rolled_back
from zero2prod_core.domain.limits import Decision, Rate
from zero2prod_core.ports.limits import LimitKey, Refused
from zero2prod_core.ports.store import Transaction, UnitOfWork

RATE = Rate(2, timedelta(seconds=10))
DEAR, CHEAP = LimitKey("a", "ab" * 16), LimitKey("a", "cd" * 16)
ONE, TWO = LimitKey("sign_up_network", "192.0.2.0/24"), LimitKey("sign_up_network", "198.51.100.0/24")


async def take(uow: UnitOfWork, *keys: LimitKey, at: float) -> list[bool]:
    async with uow() as tx:
        return [decision.allowed for decision in await tx.limits.take_batch([(key, RATE) for key in keys], later(at))]


async def count_refusals(uow: UnitOfWork, counts: Mapping[LimitKey, int], minute: int) -> None:
    async with uow() as tx:
        await tx.limits.count_refusals(counts, later(60 * minute))


class LimitsContract(Contract):
    """Rates: `zero2prod_core.ports.limits.LimitRepository`."""

    async def test_a_burst_passes_and_then_one_in_each_interval(self) -> None:
        taken = [(at, *await take(self.uow, ONE, at=at)) for at in (0, 0.000001, 4.999999, 5, 5.5, 10)]
        assert taken == [(0, True), (0.000001, True), (4.999999, False), (5, True), (5.5, False), (10, True)]

    async def test_cells_do_not_disturb_one_another(self) -> None:
        other_scope = LimitKey("sign_up_email", ONE.subject)
        assert await take(self.uow, ONE, at=0) == [True]
        assert await take(self.uow, TWO, ONE, other_scope, at=0) == [True, True, True]
        assert await take(self.uow, other_scope, ONE, TWO, at=0) == [True, False, True]

    async def test_a_refused_limit_leaves_its_cell_as_it_was_and_says_how_long_to_wait(self) -> None:
        async with self.uow() as tx:
            first = (await tx.limits.take_batch([(ONE, RATE)], later(0)))[0]
            second = (await tx.limits.take_batch([(ONE, RATE)], later(0)))[0]
            refused = [(await tx.limits.take_batch([(ONE, RATE)], later(1)))[0] for _ in range(2)]
        assert [first.tat, second.tat] == [later(5), later(10)]
        assert refused == [Decision(False, later(10), timedelta(seconds=4))] * 2
        assert await take(self.uow, ONE, at=5) == [True]

    async def test_limits_go_by_the_stores_clock_by_default(self) -> None:
        async with self.uow() as tx:
            taken = [(await tx.limits.take_batch([(ONE, Rate(2, timedelta(days=1)))]))[0].allowed for _ in range(3)]
            assert await tx.limits.take_batch([]) == []
        assert taken == [True, True, False]

    async def test_what_was_taken_and_rolled_back_is_free(self) -> None:
        await rolled_back(self.uow, lambda tx: tx.limits.take_batch([(ONE, RATE)], later(0)))
        assert [await take(self.uow, ONE, at=0) for _ in range(3)] == [[True], [True], [False]]

    async def test_a_look_at_cells_takes_nothing_and_makes_none(self) -> None:
        await take(self.uow, ONE, at=0)
        for _ in range(2):
            async with self.uow.reading() as tx:
                assert await tx.limits.peek_batch([ONE, TWO]) == {ONE: later(5)}
                assert await tx.limits.peek_batch([]) == {}

    async def test_cells_that_are_held_come_with_their_arrival_times_and_missing_ones_full(self) -> None:
        await take(self.uow, ONE, at=0)
        async with self.uow() as tx:
            assert await tx.limits.hold_batch([TWO, ONE], later(1)) == {ONE: later(5), TWO: later(1)}
            assert await tx.limits.hold_batch([TWO], later(2)) == {TWO: later(1)}
            assert await tx.limits.hold_batch([], later(2)) == {}

    async def test_what_is_written_to_held_cells_is_taken_from_them(self) -> None:
        async with self.uow() as tx:
            await tx.limits.hold_batch([ONE, TWO], later(0))
            await tx.limits.write_batch({TWO: later(0), ONE: later(10)})
            await tx.limits.write_batch({})
        assert await take(self.uow, ONE, TWO, at=0) == [False, True]
        assert await take(self.uow, ONE, at=5) == [True]

    async def test_held_cells_fall_with_their_transaction(self) -> None:
        async def use_up(tx: Transaction) -> None:
            await tx.limits.hold_batch([ONE], later(0))
            await tx.limits.write_batch({ONE: later(3600)})

        await rolled_back(self.uow, use_up)
        assert await take(self.uow, ONE, at=0) == [True]

    async def test_cells_are_held_by_the_stores_clock_by_default(self) -> None:
        async with self.uow() as tx:
            before = await tx.now()
            held = await tx.limits.hold_batch([ONE])
        async with self.uow() as tx:
            assert before <= held[ONE] <= await tx.now()

    async def test_a_sweep_of_limits_removes_cells_that_have_long_been_full(self) -> None:
        await take(self.uow, ONE, TWO, at=0)
        await take(self.uow, TWO, at=0)
        async with self.uow() as tx:
            assert await tx.limits.sweep(later(5), 100) == 0
            assert await tx.limits.sweep(later(6), 100) == 1
        assert await take(self.uow, TWO, at=0) == [False]
        assert await take(self.uow, ONE, at=0) == [True]

    async def test_a_sweep_of_limits_removes_no_more_than_its_limit(self) -> None:
        await take(self.uow, *(LimitKey("scope", str(number)) for number in range(3)), at=0)
        async with self.uow() as tx:
            assert [await tx.limits.sweep(later(60), 2) for _ in range(3)] == [2, 1, 0]

    async def test_refusals_are_summed_by_key_and_minute(self) -> None:
        await count_refusals(self.uow, {DEAR: 2, CHEAP: 1}, minute=0)
        await count_refusals(self.uow, {DEAR: 3}, minute=0)
        await count_refusals(self.uow, {DEAR: 5}, minute=1)
        await count_refusals(self.uow, {}, minute=1)
        async with self.uow() as tx:
            first, second = [await tx.limits.take_refusals(later(180), 10) for _ in range(2)]
        assert first == [Refused("a", DEAR.subject, later(0), 5), Refused("a", CHEAP.subject, later(0), 1)]
        assert second == [Refused("a", DEAR.subject, later(60), 5)]

    async def test_refusals_are_taken_once_and_when_their_minute_is_over(self) -> None:
        await count_refusals(self.uow, {DEAR: 1}, minute=1)
        async with self.uow() as tx:
            assert await tx.limits.take_refusals(later(60), 10) == []
            assert len(await tx.limits.take_refusals(later(60.000001), 10)) == 1
        async with self.uow() as tx:
            assert await tx.limits.take_refusals(later(180), 10) == []

    async def test_of_each_scope_the_highest_refusals_are_told_and_the_rest_as_a_sum(self) -> None:
        many = {LimitKey(scope, f"{number:032x}"): 10 + number for number in range(5) for scope in ("a", "b")}
        await count_refusals(self.uow, many | {LimitKey("c", "00"): 7}, minute=0)
        async with self.uow() as tx:
            told = await tx.limits.take_refusals(later(60), 2)
        expected = [("4", 14, 1), ("3", 13, 1), (None, 33, 3)]
        assert [(each.subject and each.subject[-1], each.count, each.subjects) for each in told[:3]] == expected
        assert [each.scope for each in told] == ["a"] * 3 + ["b"] * 3 + ["c"]
        assert told[-1] == Refused("c", "00", later(0), 7)

    async def test_refusals_that_were_taken_and_rolled_back_are_still_there(self) -> None:
        await count_refusals(self.uow, {DEAR: 1}, minute=0)
        await rolled_back(self.uow, lambda tx: tx.limits.take_refusals(later(60), 10))
        async with self.uow() as tx:
            assert len(await tx.limits.take_refusals(later(60), 10)) == 1
