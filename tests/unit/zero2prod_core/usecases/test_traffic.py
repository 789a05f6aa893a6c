"""Breakers at the moment of claiming, over all workers."""

from datetime import timedelta

from tests.support.core import POLICY, SENT, Core, sign_up
from tests.support.traffic import SECOND, claim, domains, due_at, readers, settle
from zero2prod_core.domain.breakers import TERMS, Breaker, BreakerKey
from zero2prod_core.domain.deliveries import (
    Deferred,
    Outcome,
    Reply,
    Scope,
    Throttled,
)
from zero2prod_core.ports.mailer import Parcel
from zero2prod_core.usecases.traffic import SPREAD

RELAY_AWAY = Throttled(Reply(None, "connection refused"), Scope.RELAY)
SLOWLY = Throttled(Reply(451, "4.7.1 slowly"), Scope.DOMAIN)
RELAY, SLOW = BreakerKey(Scope.RELAY, "relay"), BreakerKey(Scope.DOMAIN, "slow.example")
PROBE_LASTS = POLICY.lease_lasts


async def breaker(core: Core, key: BreakerKey) -> Breaker | None:
    async with core.store() as tx:
        return (await tx.breakers.hold_batch([key])).get(key)


async def trip(core: Core, key: BreakerKey, outcome: Outcome) -> None:
    """Until this moment it was closed."""
    consignment = await claim(core, 1)
    await settle(core, consignment, outcome)
    assert await breaker(core, key)


class TestTheRelaysBreaker:
    async def test_while_it_is_open_nothing_is_claimed_not_even_what_is_urgent(self, core: Core) -> None:
        await core.published(*readers(3))
        await core.application.subscribe(sign_up())
        await trip(core, RELAY, RELAY_AWAY)
        core.clock.forward(TERMS[Scope.RELAY].first - timedelta(microseconds=1))
        assert not (await claim(core)).parcels
        assert not (await claim(core, urgent=True)).parcels

    async def test_who_insists_heeds_it_not_but_tells_what_comes_of_it(self, core: Core) -> None:
        await core.published(*readers(3))
        await trip(core, RELAY, RELAY_AWAY)
        insisting = await claim(core, insist=True)
        assert (len(insisting.parcels), insisting.probing) == (2, [RELAY])
        await settle(core, insisting, SENT)
        assert await breaker(core, RELAY) is None

    async def test_who_insists_where_nothing_is_held_back_tries_nothing(self, core: Core) -> None:
        await core.published(*readers(3))
        assert (await claim(core, insist=True)).probing == []

    async def test_then_one_worker_tries_a_few_and_the_others_get_nothing(self, core: Core) -> None:
        await core.published(*readers(20))
        await trip(core, RELAY, RELAY_AWAY)
        core.clock.forward(TERMS[Scope.RELAY].first)
        first, second, urgent = await claim(core), await claim(core), await claim(core, urgent=True)
        assert (len(first.parcels), list(first.probing)) == (TERMS[Scope.RELAY].probes, [RELAY])
        assert (second.parcels, urgent.parcels) == ((), ())

    async def test_a_mail_that_is_taken_closes_it(self, core: Core) -> None:
        await core.published(*readers(20))
        await trip(core, RELAY, RELAY_AWAY)
        core.clock.forward(TERMS[Scope.RELAY].first)
        await settle(core, await claim(core), SENT)
        assert await breaker(core, RELAY) is None
        assert len((await claim(core)).parcels) > TERMS[Scope.RELAY].probes

    async def test_each_failure_makes_it_last_twice_as_long_up_to_the_longest(self, core: Core) -> None:
        await core.published(*readers(20))
        await trip(core, RELAY, RELAY_AWAY)
        lasted: list[timedelta] = []
        for _ in range(5):
            open_ = await breaker(core, RELAY)
            assert open_
            lasted.append(open_.open_until - core.clock.now)
            core.clock.now = open_.open_until
            await settle(core, await claim(core), RELAY_AWAY)
        assert [wait.total_seconds() for wait in lasted] == [10, 20, 40, 60, 60]

    async def test_after_a_worker_that_died_while_it_tried_another_one_does(self, core: Core) -> None:
        await core.published(*readers(20))
        await trip(core, RELAY, RELAY_AWAY)
        core.clock.forward(TERMS[Scope.RELAY].first)
        assert (await claim(core)).probing
        core.clock.forward(PROBE_LASTS - timedelta(microseconds=1))
        assert not (await claim(core)).parcels
        core.clock.forward(timedelta(microseconds=1))
        assert (await claim(core)).probing == [RELAY]

    async def test_it_is_nobodys_to_try_while_there_is_nothing_to_try_it_with(self, core: Core) -> None:
        await core.published(*readers(1))
        await trip(core, RELAY, RELAY_AWAY)
        core.clock.forward(TERMS[Scope.RELAY].first)
        assert (await claim(core, urgent=True)).probing == ()
        found = await breaker(core, RELAY)
        assert found is not None
        assert not found.probing

    async def test_nor_while_all_that_is_due_goes_to_a_domain_that_rests(self, core: Core) -> None:
        await core.published(*readers(3, "slow.example"))
        await trip(core, SLOW, SLOWLY)
        open_ = Breaker(RELAY, core.clock.now, 1, "connection refused")
        async with core.store() as tx:
            await tx.breakers.add_batch([open_])
        consignment = await claim(core)
        assert (consignment.parcels, consignment.probing) == ([], [])
        assert await breaker(core, RELAY) == open_


class TestTheBreakerOfADomain:
    async def test_its_mails_are_put_off_once_for_each_pause_and_all_others_flow(self, core: Core) -> None:
        issue = await core.published(*readers(5, "slow.example"), *readers(10))
        await trip_slow(core)
        before = len((await claim(core)).parcels)
        assert before == 10
        assert await core.application.deliveries.count_unfinished() == 10
        again = await due_at(core, issue)
        first = TERMS[Scope.DOMAIN].first.total_seconds()
        assert again[first - 1] == 10
        assert again[first + SPREAD.total_seconds()] >= 14

    async def test_those_behind_them_take_their_places_whatever_the_limit(self, core: Core) -> None:
        await core.published(*readers(5, "slow.example"), *readers(10))
        await trip_slow(core)
        claimed: list[Parcel] = []
        for _ in range(8):
            claimed += (await claim(core, 2)).parcels
        assert domains(claimed) == {"fast.example": 10}

    async def test_it_holds_back_what_is_urgent_too_but_not_from_who_insists(self, core: Core) -> None:
        await core.published(*readers(1, "slow.example"))
        await core.application.subscribe(sign_up("late@slow.example"))
        await trip(core, SLOW, SLOWLY)
        assert (await claim(core, urgent=True)).parcels == []
        core.clock.forward(TERMS[Scope.DOMAIN].first - SECOND)
        assert not (await claim(core, urgent=True)).parcels

    async def test_who_insists_heeds_it_not(self, core: Core) -> None:
        await core.published(*readers(5, "slow.example"))
        await trip(core, SLOW, SLOWLY)
        insisting = await claim(core, insist=True)
        assert (domains(insisting.parcels), insisting.probing) == ({"slow.example": 4}, [SLOW])
        await settle(core, insisting, SENT)
        assert await breaker(core, SLOW) is None

    async def test_what_was_insisted_on_in_vain_opens_it_for_longer_once_its_time_is_over(self, core: Core) -> None:
        await core.published(*readers(5, "slow.example"))
        await trip(core, SLOW, SLOWLY)
        core.clock.forward(TERMS[Scope.DOMAIN].first)
        await settle(core, await claim(core, insist=True), SLOWLY)
        found = await breaker(core, SLOW)
        assert found is not None
        assert found.failures == 2

    async def test_then_one_worker_tries_two_mails_and_the_others_get_nothing_of_it(self, core: Core) -> None:
        await core.published(*readers(9, "slow.example"))
        await trip(core, SLOW, SLOWLY)
        core.clock.forward(TERMS[Scope.DOMAIN].first + SPREAD)
        first, second = await claim(core), await claim(core)
        assert (len(first.parcels), list(first.probing)) == (TERMS[Scope.DOMAIN].probes, [SLOW])
        assert not second.parcels

    async def test_a_mail_that_is_taken_closes_it_and_one_put_off_tells_nothing(self, core: Core) -> None:
        await core.published(*readers(9, "slow.example"))
        await trip(core, SLOW, SLOWLY)
        core.clock.forward(TERMS[Scope.DOMAIN].first + SPREAD)
        await settle(core, await claim(core), Deferred(Reply(450, "4.2.1 busy")))
        still = await breaker(core, SLOW)
        assert still is not None
        assert still.probing
        core.clock.forward(PROBE_LASTS + SPREAD)
        await settle(core, await claim(core), SENT)
        assert await breaker(core, SLOW) is None

    async def test_each_failure_makes_it_last_twice_as_long_up_to_the_longest(self, core: Core) -> None:
        await core.published(*readers(20, "slow.example"))
        await trip(core, SLOW, SLOWLY)
        lasted: list[timedelta] = []
        for _ in range(6):
            open_ = await breaker(core, SLOW)
            assert open_
            lasted.append(open_.open_until - core.clock.now)
            core.clock.now = open_.open_until + SPREAD
            await settle(core, await claim(core), SLOWLY)
        assert [wait / timedelta(minutes=1) for wait in lasted] == [5, 10, 20, 40, 60, 60]


async def trip_slow(core: Core) -> None:
    """Have a mail to the slow domain throttled, and leave all others as they are."""
    consignment = await claim(core)
    slow = next(parcel for parcel in consignment.parcels if parcel.delivery.email.domain == "slow.example")
    await core.application.deliveries.settle([], [slow.mark])
    await core.application.deliveries.settle([slow.report(SLOWLY)], [])
    await core.application.deliveries.release(consignment.lease)
