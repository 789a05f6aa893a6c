"""Breakers and rates at the moment of claiming, over all workers."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

import attrs
import pytest

from tests.support.core import POLICY, SENT, Core, publication, sign_up
from zero2prod.testing.builders import number, origin
from zero2prod_core.domain.breakers import PROBE_LASTS, TERMS, Breaker, BreakerKey
from zero2prod_core.domain.deliveries import Claimed, Deferred, DeliveryKey, Outcome, Postponed, Reply, Scope, Throttled
from zero2prod_core.domain.issues import Issue
from zero2prod_core.domain.limits import DomainRates
from zero2prod_core.ports.mailer import Parcel
from zero2prod_core.ports.store import Transaction
from zero2prod_core.usecases.deliveries import Consignment
from zero2prod_core.usecases.traffic import Traffic

RELAY_AWAY = Throttled(Reply(None, "connection refused"), Scope.RELAY)
SLOWLY = Throttled(Reply(451, "4.7.1 slowly"), Scope.DOMAIN)
RELAY, SLOW = BreakerKey(Scope.RELAY, "relay"), BreakerKey(Scope.DOMAIN, "slow.example")
SECOND = timedelta(seconds=1)


def readers(count: int, domain: str = "fast.example") -> list[str]:
    return [f"reader-{place}@{domain}" for place in range(count)]


def domains(parcels: Iterable[Parcel]) -> Counter[str]:
    return Counter(parcel.delivery.email.domain for parcel in parcels)


async def claim(core: Core, limit: int = 100, *, urgent: bool = False, insist: bool = False) -> Consignment:
    return await core.application.claim_deliveries("worker", limit, urgent=urgent, insist=insist)


async def settle(core: Core, consignment: Consignment, outcome: Outcome) -> None:
    """As a desk does: the probes are told with their results."""
    await core.application.settle_deliveries([], [parcel.mark for parcel in consignment.parcels])
    reports = [parcel.report(outcome) for parcel in consignment.parcels]
    assert all((await core.application.settle_deliveries(reports, [], consignment.probing)).applied)
    await core.application.release_lease(consignment.lease)


async def breaker(core: Core, key: BreakerKey) -> Breaker | None:
    async with core.store() as tx:
        return (await tx.breakers.hold_batch([key])).get(key)


async def trip(core: Core, key: BreakerKey, outcome: Outcome) -> None:
    """Until this moment it was closed."""
    consignment = await claim(core, 1)
    await settle(core, consignment, outcome)
    assert await breaker(core, key)


async def due_at(core: Core, issue: Issue) -> Counter[float]:
    """How many mails of an issue may be claimed from which second on, as a claim that takes none of them sees it."""
    start, counted = core.clock.now, Counter[float]()
    async with core.store.reading() as tx:
        for second in range(3600):
            counted[second] = await tx.deliveries.unfinished(start + second * SECOND)
    return counted


class TestTheRelaysBreaker:
    async def test_while_it_is_open_nothing_is_claimed_not_even_what_is_urgent(self, core: Core) -> None:
        await core.published(*readers(3))
        await core.application.subscribe(sign_up())
        await trip(core, RELAY, RELAY_AWAY)
        core.clock.forward(TERMS[Scope.RELAY].first - timedelta(microseconds=1))
        assert not (await claim(core)).parcels
        assert not (await claim(core, urgent=True)).parcels

    async def test_who_insists_heeds_it_not(self, core: Core) -> None:
        await core.published(*readers(3))
        await trip(core, RELAY, RELAY_AWAY)
        insisting = await claim(core, insist=True)
        assert (len(insisting.parcels), insisting.probing) == (2, [])

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
        core.clock.forward(PROBE_LASTS)
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
            await tx.breakers.save_batch([open_])
        consignment = await claim(core)
        assert (consignment.parcels, consignment.probing) == ([], [])
        assert await breaker(core, RELAY) == open_


class TestTheBreakerOfADomain:
    async def test_its_mails_are_put_off_once_for_each_pause_and_all_others_flow(self, core: Core) -> None:
        issue = await core.published(*readers(5, "slow.example"), *readers(10))
        await trip_slow(core)
        before = len((await claim(core)).parcels)
        assert before == 10
        assert await core.application.count_unfinished() == 10
        again = await due_at(core, issue)
        first = TERMS[Scope.DOMAIN].first.total_seconds()
        assert again[first - 1] == 10
        assert again[first + PROBE_LASTS.total_seconds()] >= 14

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
        assert domains((await claim(core, insist=True)).parcels) == {"slow.example": 4}

    async def test_then_one_worker_tries_two_mails_and_the_others_get_nothing_of_it(self, core: Core) -> None:
        await core.published(*readers(9, "slow.example"))
        await trip(core, SLOW, SLOWLY)
        core.clock.forward(TERMS[Scope.DOMAIN].first + 2 * PROBE_LASTS)
        first, second = await claim(core), await claim(core)
        assert (len(first.parcels), list(first.probing)) == (TERMS[Scope.DOMAIN].probes, [SLOW])
        assert not second.parcels

    async def test_a_mail_that_is_taken_closes_it_and_one_put_off_tells_nothing(self, core: Core) -> None:
        await core.published(*readers(9, "slow.example"))
        await trip(core, SLOW, SLOWLY)
        core.clock.forward(TERMS[Scope.DOMAIN].first + 2 * PROBE_LASTS)
        await settle(core, await claim(core), Deferred(Reply(450, "4.2.1 busy")))
        still = await breaker(core, SLOW)
        assert still is not None
        assert still.probing
        core.clock.forward(3 * PROBE_LASTS)
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
            core.clock.now = open_.open_until + 2 * PROBE_LASTS
            await settle(core, await claim(core), SLOWLY)
        assert [wait / timedelta(minutes=1) for wait in lasted] == [5, 10, 20, 40, 60, 60]


async def trip_slow(core: Core) -> None:
    """Have a mail to the slow domain throttled, and leave all others as they are."""
    consignment = await claim(core)
    slow = next(parcel for parcel in consignment.parcels if parcel.delivery.email.domain == "slow.example")
    await core.application.settle_deliveries([], [slow.mark])
    await core.application.settle_deliveries([slow.report(SLOWLY)], [])
    await core.application.release_lease(consignment.lease)


def limited(to: str = "off", by: str = "off") -> Core:
    """A core whose mails to and from domains are limited so."""
    rates = DomainRates.parse(to, "ZERO2PROD_TO"), DomainRates.parse(by, "ZERO2PROD_BY")
    return Core(policy=attrs.evolve(POLICY, recipient_rates=rates[0], sender_rates=rates[1]))


async def sent_each_second(core: Core, seconds: int) -> list[int]:
    """How many a worker that claims each second may send; it counts the mails that were put off on the way."""
    counts: list[int] = []
    for _ in range(seconds):
        consignment = await claim(core)
        await settle(core, consignment, SENT) if consignment.parcels else None
        counts.append(len(consignment.parcels))
        core.clock.forward(SECOND)
    return counts


class TestRatesOfRecipientDomains:
    async def test_a_burst_goes_at_once_and_then_one_at_each_interval(self) -> None:
        core = limited(to="3/3s")
        await core.published(*readers(8))
        assert await sent_each_second(core, 7) == [3, 1, 1, 1, 1, 1, 0]

    async def test_each_mail_is_put_off_about_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        core, postponed, paced = limited(to="3/3s"), Counter[DeliveryKey](), Traffic.paced

        async def counted(
            self: Traffic, tx: Transaction, claimed: Sequence[Claimed], senders: Mapping[UUID, str]
        ) -> Sequence[Postponed]:
            late = await paced(self, tx, claimed, senders)
            postponed.update(each.key for each in late)
            return late

        monkeypatch.setattr(Traffic, "paced", counted)
        await core.published(*readers(40))
        assert sum(await sent_each_second(core, 40)) == 40
        assert set(postponed.values()) == {1}
        assert len(postponed) == 37

    async def test_places_are_given_out_to_the_moment(self) -> None:
        core = limited(to="2/s")
        issue = await core.published(*readers(6))
        assert len((await claim(core)).parcels) == 2
        assert [(await due_at(core, issue))[second] for second in range(4)] == [2, 4, 6, 6]

    async def test_several_workers_share_a_rate(self) -> None:
        core = limited(to="4/4s")
        await core.published(*readers(10))
        taken = [len((await claim(core, 3)).parcels) for _ in range(4)]
        assert sum(taken) == 4

    async def test_a_domain_of_its_own_rate_or_of_none_slows_no_other(self) -> None:
        core = limited(to="3/3s, slow.example=1/m, free.example=off")
        await core.published(
            *readers(4, "slow.example"), *readers(4), *readers(4, "other.example"), *readers(4, "free.example")
        )
        counts = domains((await claim(core)).parcels)
        assert counts == {"slow.example": 1, "fast.example": 3, "other.example": 3, "free.example": 4}

    async def test_urgent_mail_is_not_paced_and_takes_nothing_from_the_rate(self) -> None:
        core = limited(to="1/h", by="1/h")
        await core.published(*readers(1, "example.com"))
        for name in ("a", "b", "c"):
            await core.application.subscribe(sign_up(f"{name}@example.com"))
        assert len((await claim(core, urgent=True)).parcels) == 3
        assert len((await claim(core)).parcels) == 1

    async def test_what_was_put_off_for_long_is_not_sent_in_a_heap_later(self) -> None:
        core = limited(to="3/3s")
        await core.published(*readers(9))
        await claim(core)
        core.clock.forward(timedelta(hours=1))
        assert len((await claim(core)).parcels) == 3


class TestRatesOfSenderDomains:
    async def test_they_hold_over_all_recipients_and_issues_of_a_from_domain(self) -> None:
        core = limited(by="5/5s")
        for domain in ("a.example", "b.example"):
            await core.published(*readers(4, domain))
        assert (await sent_each_second(core, 5))[:3] == [5, 1, 1]

    async def test_newsletters_of_another_from_domain_have_a_rate_of_their_own(self) -> None:
        core = limited(by="1/h")
        await core.application.create_newsletter(origin(), "daily", "The Daily", "daily@elsewhere.example")
        await core.confirmed("a@example.com")
        await core.confirmed("b@example.com", newsletter="daily")
        for slug in ("default", "daily"):
            await core.application.publish(publication(key=f"key {number()}", newsletter=slug), origin())
        assert len((await claim(core)).parcels) == 2

    async def test_a_mail_that_its_recipients_rate_holds_back_takes_nothing_from_its_senders(self) -> None:
        core = limited(to="slow.example=1/h", by="3/h")
        await core.published(*readers(5, "slow.example"))
        assert domains((await claim(core)).parcels) == {"slow.example": 1}
        await core.published(*readers(5))
        assert domains((await claim(core)).parcels) == {"fast.example": 2}
