from datetime import timedelta

import attrs

from zero2prod.testing.builders import T0, later
from zero2prod.testing.contract import Contract
from zero2prod.testing.faults import rolled_back
from zero2prod_core.domain.breakers import Breaker, BreakerKey
from zero2prod_core.domain.deliveries import Scope
from zero2prod_core.ports.store import UnitOfWork

RELAY = Breaker(BreakerKey(Scope.RELAY, "smtp.example.net:587"), later(10), 1, "4.3.2 not now")
FIRST = Breaker(BreakerKey(Scope.DOMAIN, "a.example"), T0, 2, "")
SECOND = Breaker(BreakerKey(Scope.DOMAIN, "bücher.example"), later(300), 7, "zu viel ☕", probing=True)
ALL = [FIRST, RELAY, SECOND]
ALL_OPEN = later(-1)


async def add(uow: UnitOfWork, *breakers: Breaker) -> None:
    async with uow() as tx:
        await tx.breakers.add_batch(breakers)


async def stored(uow: UnitOfWork, *keys: BreakerKey) -> dict[BreakerKey, Breaker]:
    async with uow() as tx:
        return dict(await tx.breakers.hold_batch(keys))


class BreakersContract(Contract):
    """Breakers: `zero2prod_core.ports.breakers.BreakerRepository`."""

    async def test_breakers_come_back_as_they_were_added(self) -> None:
        await add(self.uow, *ALL)
        assert await stored(self.uow, *(each.key for each in ALL)) == {each.key: each for each in ALL}

    async def test_only_breakers_that_exist_are_held(self) -> None:
        await add(self.uow, RELAY, FIRST)
        assert await stored(self.uow, FIRST.key, SECOND.key) == {FIRST.key: FIRST}
        assert await stored(self.uow) == {}

    async def test_a_domain_is_no_relay_of_the_same_name(self) -> None:
        named = BreakerKey(Scope.RELAY, FIRST.key.subject)
        await add(self.uow, FIRST)
        assert await stored(self.uow, named) == {}

    async def test_a_breaker_that_is_held_is_replaced(self) -> None:
        again = attrs.evolve(SECOND, open_until=later(600), failures=8, reason="no", probing=False)
        await add(self.uow, SECOND, RELAY)
        async with self.uow() as tx:
            await tx.breakers.hold_batch([SECOND.key])
            await tx.breakers.save_batch([again])
            await tx.breakers.save_batch([])
        assert await stored(self.uow, SECOND.key, RELAY.key) == {SECOND.key: again, RELAY.key: RELAY}

    async def test_a_breaker_that_somebody_has_added_meanwhile_stays(self) -> None:
        late = attrs.evolve(SECOND, open_until=later(600), failures=1, reason="no")
        await add(self.uow, SECOND)
        await add(self.uow, late, RELAY)
        assert await stored(self.uow, SECOND.key, RELAY.key) == {SECOND.key: SECOND, RELAY.key: RELAY}

    async def test_a_closed_breaker_is_gone_and_may_be_closed_again(self) -> None:
        await add(self.uow, *ALL)
        for _ in range(2):
            async with self.uow() as tx:
                await tx.breakers.remove_batch([SECOND.key, RELAY.key])
        async with self.uow() as tx:
            await tx.breakers.remove_batch([])
            assert await tx.breakers.list(10, ALL_OPEN) == [FIRST]

    async def test_relays_are_listed_first_and_then_who_failed_most_often(self) -> None:
        await add(self.uow, *ALL)
        async with self.uow.reading() as tx:
            assert await tx.breakers.list(10, ALL_OPEN) == [RELAY, SECOND, FIRST]
            assert await tx.breakers.list(2, ALL_OPEN) == [RELAY, SECOND]

    async def test_only_those_that_are_open_are_listed(self) -> None:
        await add(self.uow, *ALL)
        async with self.uow.reading() as tx:
            assert await tx.breakers.list(10, T0) == [RELAY, SECOND]
            assert await tx.breakers.list(10, SECOND.open_until) == []

    async def test_they_are_listed_as_of_now_by_the_stores_clock(self) -> None:
        async with self.uow() as tx:
            now = await tx.now()
            lasting = attrs.evolve(SECOND, open_until=now + timedelta(hours=1))
            await tx.breakers.add_batch([attrs.evolve(RELAY, open_until=now - timedelta(hours=1)), lasting])
        async with self.uow.reading() as tx:
            assert await tx.breakers.list(10) == [lasting]

    async def test_those_whose_time_is_long_over_are_swept_whether_tried_or_not(self) -> None:
        await add(self.uow, *ALL)
        async with self.uow() as tx:
            assert await tx.breakers.sweep(T0, 10) == 0
            assert await tx.breakers.sweep(later(1), 10) == 1
            assert [await tx.breakers.sweep(later(301), 1) for _ in range(3)] == [1, 1, 0]
        assert await stored(self.uow, *(each.key for each in ALL)) == {}

    async def test_breakers_fall_with_their_transaction(self) -> None:
        await add(self.uow, RELAY)
        again = attrs.evolve(RELAY, failures=8)
        await rolled_back(self.uow, lambda tx: tx.breakers.add_batch([FIRST]))
        await rolled_back(self.uow, lambda tx: tx.breakers.save_batch([again]))
        await rolled_back(self.uow, lambda tx: tx.breakers.remove_batch([RELAY.key]))
        assert await stored(self.uow, RELAY.key, FIRST.key) == {RELAY.key: RELAY}
