"""Rates at the moment of claiming, over all workers."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import pairwise
from uuid import UUID

import attrs
import pytest

from tests.support.core import POLICY, SENT, Core, publication, sign_up
from tests.support.traffic import SECOND, claim, domains, due_at, readers, settle
from zero2prod.testing.builders import number, origin
from zero2prod_core.domain.deliveries import (
    Claimed,
    DeliveryKey,
    DeliveryState,
    Postponed,
)
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.limits import HORIZON, UNLIMITED, DomainRates
from zero2prod_core.ports.limits import LimitKey
from zero2prod_core.ports.store import Transaction
from zero2prod_core.usecases.traffic import QUEUE, RECIPIENT_DOMAIN, Traffic


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

    async def test_a_domain_that_was_slow_is_as_fast_as_it_now_may_be(self) -> None:
        core = limited(to="1/d")
        await core.published(*readers(3))
        assert (await sent_each_second(core, 2)) == [1, 0]
        core.policy = attrs.evolve(core.policy, recipient_rates=DomainRates.parse("3/3s", "ZERO2PROD_TO"))
        core.application = core.over(core.store)
        core.clock.forward(HORIZON)
        assert (await sent_each_second(core, 4)) == [0, 1, 1, 0]


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

    async def test_a_mail_that_its_senders_rate_holds_back_takes_nothing_from_its_recipients(self) -> None:
        core = limited(to="slow.example=3/h", by="1/h")
        await core.application.create_newsletter(origin(), "daily", "The Daily", "daily@elsewhere.example")
        for reader in readers(4, "slow.example"):
            await core.confirmed(reader)
        for reader in readers(2, "slow.example"):
            await core.confirmed(reader, newsletter="daily")
        await core.published()
        assert len((await claim(core)).parcels) == 1
        core.policy = attrs.evolve(core.policy, sender_rates=UNLIMITED)
        core.application = core.over(core.store)
        await core.application.publish(publication(key="daily", newsletter="daily"), origin())
        assert len((await claim(core)).parcels) == 2


async def gone(core: Core, step: timedelta, *, most: int = 1000) -> list[Instant]:
    """When each mail goes, until none is left; a worker claims all that it can get after each step."""
    times: list[Instant] = []
    for _ in range(most):
        while (consignment := await claim(core)).parcels or consignment.postponed:
            if consignment.parcels:
                await settle(core, consignment, SENT)
            times += [core.clock.now] * len(consignment.parcels)
        if not await waiting(core):
            return times
        core.clock.forward(step)
    raise AssertionError(f"{await waiting(core)} mails are left")


async def waiting(core: Core) -> int:
    sums = [await core.sums(issue) for issue in await core.application.list_issues()]
    return sum(each.get(DeliveryState.PENDING, 0) for each in sums)


def most_within(times: Sequence[Instant], window: timedelta) -> int:
    """The most mails that went within any window of this length, its ends included."""
    return max(bisect_right(times, start + window) - place for place, start in enumerate(times))


async def queue_end(core: Core, domain: str) -> Instant:
    key = LimitKey(RECIPIENT_DOMAIN + QUEUE, domain)
    async with core.store() as tx:
        return (await tx.limits.hold_batch([key], core.clock.now))[key]


class TestTheHorizon:
    """Places are given out for ten minutes, and no further: what finds none asks again then."""

    async def test_a_thousand_mails_at_ten_a_second_all_go_and_never_faster(self) -> None:
        core = limited(to="10/s")
        await core.published(*readers(1000))
        times = await gone(core, SECOND)
        assert len(times) == 1000
        assert most_within(times, 10 * SECOND) <= 10 + 10 * 10
        assert times[-1] - times[0] <= 100 * SECOND

    async def test_what_reaches_beyond_it_goes_later_and_never_faster(self) -> None:
        core = limited(to="6/m")
        await core.published(*readers(100))
        times = await gone(core, 5 * SECOND)
        assert len(times) == 100
        assert most_within(times, HORIZON) <= 6 + HORIZON // (10 * SECOND)
        assert times[-1] - times[0] <= 94 * 10 * SECOND + HORIZON

    async def test_a_place_is_never_further_away(self) -> None:
        core = limited(to="6/m")
        await core.published(*readers(100))
        ends: list[timedelta] = []
        for _ in range(20):
            while (await claim(core, 30)).postponed:
                continue
            ends.append(await queue_end(core, "fast.example") - core.clock.now)
            core.clock.forward(timedelta(minutes=1))
        assert max(ends) == HORIZON

    async def test_nobody_waits_without_end_while_others_come(self) -> None:
        core = limited(to="6/m")
        first = await core.published(*readers(90))
        for _ in range(30):
            consignment = await claim(core)
            if consignment.parcels:
                await settle(core, consignment, SENT)
            core.clock.forward(10 * SECOND)
        await core.published()
        await gone(core, 10 * SECOND)
        assert await core.sums(first) == {DeliveryState.SENT: 90}

    async def test_at_a_rate_slower_than_it_nobody_is_given_up_untried(self) -> None:
        core = limited(to="1/h")
        core.policy = attrs.evolve(core.policy, give_up_after=timedelta(hours=2))
        core.application = core.over(core.store)
        issue = await core.published(*readers(6))
        times = await gone(core, HORIZON)
        assert await core.sums(issue) == {DeliveryState.SENT: 6}
        assert all(later - earlier >= timedelta(hours=1) for earlier, later in pairwise(times))

    async def test_a_rate_that_is_lifted_holds_nothing_back_after_it(self) -> None:
        core = limited(to="1/h", by="2/h")
        await core.published(*readers(50))
        assert len((await claim(core)).parcels) == 1
        core.policy, start = POLICY, core.clock.now
        core.application = core.over(core.store)
        core.clock.now = start + HORIZON
        assert len((await claim(core)).parcels) == 49

    async def test_where_both_rates_hold_neither_is_exceeded_and_all_go(self) -> None:
        core = limited(to="slow.example=2/m", by="6/m")
        await core.published(*readers(20, "slow.example"), *readers(40))
        times = await gone(core, 5 * SECOND)
        assert len(times) == 60
        assert most_within(times, timedelta(minutes=1)) <= 6 + 6
