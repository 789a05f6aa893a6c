"""The delivery worker over a store and a relay in memory."""

import asyncio
from datetime import timedelta

import attrs
import pytest
from structlog.testing import capture_logs

from adapters_email.memory import InMemoryMailer
from adapters_memory import InMemoryHeartbeats
from tests.support.core import ADA, POLICY, SENT, Core, publication, sign_up
from tests.support.outages import Outage
from tests.support.waiting import eventually
from tests.support.works import (
    PATIENT,
    READERS,
    BrokenMailer,
    BrokenRenewal,
    BusyLocks,
    LaterAndLater,
    PausingMailer,
    WatchedRenewal,
    Works,
    soon,
)
from zero2prod import desk as desk_module
from zero2prod import worker as module
from zero2prod.testing.builders import origin
from zero2prod.worker import JOBS, Drained, Pace
from zero2prod_core.application import Application
from zero2prod_core.domain.breakers import BreakerKey, tripped
from zero2prod_core.domain.deliveries import Deferred, DeliveryState, Outcome, Reply, Scope, Throttled
from zero2prod_core.domain.issues import IssueState
from zero2prod_core.domain.limits import DomainRates
from zero2prod_core.errors import Defect, StoreUnavailable
from zero2prod_core.ports.mailer import Parcel
from zero2prod_core.usecases.deliveries import RenewLease


@pytest.fixture
def works() -> Works:
    return Works()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that is away is looked for at once."""
    monkeypatch.setattr(module, "RETRY_EVERY", 0.001)
    monkeypatch.setattr(desk_module, "RETRY_EVERY", 0.001)


def later(parcel: Parcel) -> Outcome:
    return Deferred(Reply(450, "4.2.0 later")) if parcel.delivery.email.text == "a@example.com" else SENT


def throttled(_: Parcel) -> Outcome:
    return Throttled(Reply(421, "4.3.2 not now"), Scope.RELAY)


def renewing(application: Application, renewal: RenewLease) -> Application:
    """The application with another way to renew a lease."""
    return attrs.evolve(application, deliveries=attrs.evolve(application.deliveries, renew=renewal))


class TestRunning:
    async def test_every_reader_gets_one_mail(self, works: Works) -> None:
        await works.core.published(*READERS)
        async with works.working():
            await works.become(sent=5)
        assert sorted(works.mailed) == READERS

    async def test_more_readers_than_one_claim_takes(self, works: Works) -> None:
        await works.core.published(*READERS)
        async with works.working(pace=attrs.evolve(PATIENT, batch=2)):
            await works.become(sent=5)
        assert sorted(works.mailed) == READERS

    async def test_what_is_enqueued_wakes_it(self, works: Works) -> None:
        for reader in READERS:
            await works.core.confirmed(reader)
        async with works.working():
            await works.core.application.publish(publication(), origin())
            await works.become(sent=5)
        assert sorted(works.mailed) == READERS

    async def test_what_becomes_due_is_found_without_a_signal(self, works: Works) -> None:
        await works.core.published("a@example.com", "b@example.com")
        works.mailer = InMemoryMailer(later)
        async with works.working(pace=Pace(poll=timedelta(milliseconds=5))):
            await works.become(sent=1, deferred=1)
            works.mailer._outcome = lambda _: SENT
            works.core.clock.forward(timedelta(minutes=5))
            await works.become(sent=2)

    async def test_a_confirmation_goes_before_an_issue(self, works: Works) -> None:
        await works.core.published(*READERS)
        await works.core.application.subscribe(sign_up())
        async with works.working():
            await works.become(sent=5)
        assert works.mailed[0] == ADA

    async def test_it_notes_that_it_lives(self, works: Works) -> None:
        async with works.working():

            async def has_beaten() -> bool:
                return await works.heartbeats.last() is not None

            assert await eventually(has_beaten)

    async def test_background_jobs_run_from_the_start_each_under_its_lock(self, works: Works) -> None:
        await works.core.published()
        async with works.working():

            async def is_finished() -> bool:
                (issue,) = await works.core.application.list_issues()
                return issue.state is IssueState.FINISHED

            assert await eventually(is_finished)
        assert set(works.locks.tried) == {job.name for job in JOBS}
        assert await works.heartbeats.last() is not None

    async def test_a_lock_that_is_held_elsewhere_keeps_its_job_from_running(self, works: Works) -> None:
        works.locks = BusyLocks("finish issues")
        issue = await works.core.published()
        await soon(works.worker().drain())
        assert await works.core.application.list_issues() == [issue]
        assert "finish issues" in works.locks.tried


class TestStopping:
    async def test_a_worker_without_work_stops_at_once(self, works: Works) -> None:
        async with works.working():
            await asyncio.sleep(0)
        assert works.mailed == []

    async def test_stopped_before_it_starts_it_does_nothing(self, works: Works) -> None:
        await works.core.published(*READERS)
        worker = works.worker()
        worker.stop()
        await soon(worker.run())
        assert await works.sums() == {DeliveryState.PENDING: 5}

    async def test_a_mail_under_way_is_finished_and_the_rest_given_back(self, works: Works) -> None:
        await works.core.published(*READERS)
        mailer = PausingMailer()
        worker = works.worker(mailer)
        task = asyncio.create_task(worker.run())
        await soon(mailer.marked.wait())
        worker.stop()
        mailer.may_go_on.set()
        await soon(task)
        assert await works.sums() == {DeliveryState.SENT: 1, DeliveryState.PENDING: 4}

    async def test_a_mail_that_takes_too_long_becomes_uncertain(
        self, works: Works, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "GRACE", 0.01)
        await works.core.published(*READERS)
        mailer = PausingMailer()
        async with works.working(mailer):
            await soon(mailer.marked.wait())
        assert await works.sums() == {DeliveryState.UNCERTAIN: 1, DeliveryState.PENDING: 4}

    async def test_leases_are_renewed_until_the_last_mail_is_answered(self, works: Works) -> None:
        await works.core.published(ADA)
        mailer, renewed = PausingMailer(), asyncio.Event()
        renewal = WatchedRenewal(works.uow, POLICY, renewed)
        works.application = renewing(works.application, renewal)
        worker = works.worker(mailer, attrs.evolve(PATIENT, renewal=timedelta(milliseconds=1)))
        task = asyncio.create_task(worker.run())
        await soon(mailer.marked.wait())
        worker.stop()
        for _ in range(3):
            works.core.clock.forward(POLICY.lease_lasts * 0.9)
            for _ in range(2):  # the first may have begun before the clock was moved
                renewed.clear()
                await soon(renewed.wait())
        mailer.may_go_on.set()
        await soon(task)
        assert await works.sums() == {DeliveryState.SENT: 1}

    async def test_cancelled_it_gives_back_what_it_holds(self, works: Works) -> None:
        await works.core.published(*READERS)
        mailer = PausingMailer()
        task = asyncio.create_task(works.worker(mailer).run())
        await soon(mailer.marked.wait())
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await soon(task)
        assert await works.sums() == {DeliveryState.UNCERTAIN: 1, DeliveryState.PENDING: 4}

    async def test_where_the_store_is_away_leases_are_left_to_expire(
        self, works: Works, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await works.core.published(*READERS)
        mailer = PausingMailer()
        monkeypatch.setattr(module, "GRACE", 0.01)
        with capture_logs() as logs:
            async with works.working(mailer):
                await soon(mailer.marked.wait())
                works.uow.outage = Outage.AWAY
        assert "lease_left_to_expire" in [entry["event"] for entry in logs]
        assert await works.sums() == {DeliveryState.ATTEMPTING: 1, DeliveryState.LEASED: 4}
        works.core.clock.forward(POLICY.lease_lasts)
        await works.core.application.jobs.expire_leases()
        assert await works.sums() == {DeliveryState.UNCERTAIN: 1, DeliveryState.PENDING: 4}


class TestLeasesThatEnded:
    async def test_its_parcels_are_not_sent_by_a_worker_that_slept_past_it(self, works: Works) -> None:
        await works.core.published(*READERS)
        mailer = PausingMailer()
        with capture_logs() as logs:
            async with works.working(mailer, attrs.evolve(PATIENT, renewal=timedelta(milliseconds=1))):
                await soon(mailer.marked.wait())
                works.core.clock.forward(POLICY.lease_lasts)

                async def is_noticed() -> bool:
                    return "lease_lost" in [entry["event"] for entry in logs]

                assert await eventually(is_noticed)
                mailer.may_go_on.set()
        assert (await works.sums()).get(DeliveryState.SENT, 0) <= 1
        assert [entry["event"] for entry in logs].count("lease_lost") == 1


class TestStoresThatAreAway:
    async def test_an_outage_loses_nothing_and_repeats_nothing(self, works: Works) -> None:
        await works.core.published(*READERS)
        mailer = PausingMailer()
        with capture_logs() as logs:
            async with works.working(mailer):
                await soon(mailer.marked.wait())
                works.uow.outage = Outage.AWAY
                mailer.may_go_on.set()

                async def is_noticed() -> bool:
                    return [entry.get("during") for entry in logs].count("settle") > 2

                assert await eventually(is_noticed)
                works.uow.outage = Outage.NONE
                await works.become(sent=5)

    async def test_a_worker_may_start_before_its_store(self, works: Works) -> None:
        await works.core.published(*READERS)
        works.uow.outage = Outage.AWAY
        with capture_logs() as logs:
            async with works.working():

                async def is_noticed() -> bool:
                    return len(logs) > 10

                assert await eventually(is_noticed)
                works.uow.outage = Outage.NONE
                await works.become(sent=5)
        assert {entry["event"] for entry in logs} == {"store_unavailable"}
        assert sorted(works.mailed) == READERS


class TestCrashes:
    async def test_a_mailer_that_breaks_stops_the_worker_with_its_error(self, works: Works) -> None:
        await works.core.published(*READERS)
        with pytest.raises(RuntimeError, match="the mailer is broken"):
            await soon(works.worker(BrokenMailer()).run())
        assert await works.sums() == {DeliveryState.PENDING: 5}

    async def test_it_stops_draining_too(self, works: Works) -> None:
        await works.core.published(*READERS)
        with pytest.raises(RuntimeError, match="the mailer is broken"):
            await soon(works.worker(BrokenMailer()).drain())
        assert await works.sums() == {DeliveryState.PENDING: 5}

    async def test_so_does_a_chore_that_breaks(self, works: Works) -> None:
        class BrokenHeartbeats(InMemoryHeartbeats):
            async def beat(self, worker: str) -> None:
                raise Defect(f"{worker} has no heart")

        works.heartbeats = BrokenHeartbeats(works.core.store)
        with pytest.raises(Defect, match="worker has no heart"):
            await soon(works.worker().run())

    async def test_so_does_a_renewal_that_breaks(self, works: Works) -> None:
        works.application = renewing(works.application, BrokenRenewal(works.uow, POLICY))
        await works.core.published(*READERS)
        with pytest.raises(Defect, match="cannot be renewed"):
            await soon(works.worker(PausingMailer(), attrs.evolve(PATIENT, renewal=timedelta(milliseconds=1))).run())
        sums = await works.sums()
        assert sums.get(DeliveryState.LEASED, 0) == 0


class TestTraffic:
    async def test_others_are_claimed_at_once_in_the_place_of_mails_that_were_put_off(self) -> None:
        rates = DomainRates.parse("slow.example=1/h", "ZERO2PROD_X")
        works = Works(attrs.evolve(POLICY, recipient_rates=rates))
        slow, fast = [f"{name}@slow.example" for name in "abcde"], [f"{name}@example.com" for name in "abc"]
        await works.core.published(*slow, *fast)
        async with works.working(pace=attrs.evolve(PATIENT, batch=2)):
            await works.become(sent=4, pending=4)

    async def test_the_rest_of_a_cancelled_issue_is_cancelled_by_the_job(self, works: Works) -> None:
        issue = await works.core.published(*READERS)
        await works.core.application.cancel_issue(origin(), issue.id)
        async with works.working():
            await works.become(cancelled=5)


class TestDraining:
    async def test_all_that_is_due_is_tried_and_jobs_are_run(self, works: Works) -> None:
        await works.core.published(*READERS)
        await works.core.application.subscribe(sign_up())
        drained = await soon(works.worker(pace=attrs.evolve(PATIENT, batch=2)).drain())
        assert drained == Drained({"sent": 6}, left=0)
        assert works.mailed[0] == ADA
        (issue,) = await works.core.application.list_issues()
        assert issue.state is IssueState.FINISHED

    async def test_nothing_due_is_nothing_tried(self, works: Works) -> None:
        assert await soon(works.worker().drain()) == Drained({}, left=0)
        assert set(works.locks.tried) == {job.name for job in JOBS}

    async def test_each_mail_is_tried_once(self, works: Works) -> None:
        await works.core.published("a@example.com", "b@example.com")
        works.mailer = InMemoryMailer(later)
        assert await soon(works.worker().drain()) == Drained({"sent": 1, "deferred": 1}, left=0)

    async def test_what_could_not_be_tried_is_counted(self, works: Works) -> None:
        await works.core.published("a@example.com", "b@example.com")
        works.mailer = InMemoryMailer(throttled)
        drained = await soon(works.worker().drain())
        assert (drained.outcomes, drained.left) == ({"throttled": 2}, 2)

    async def test_a_relay_that_takes_nothing_is_not_tried_without_end(self, works: Works) -> None:
        await works.core.published("a@example.com", "b@example.com")
        claim = works.application.deliveries.claim
        later_and_later = LaterAndLater(claim.uow, claim.ids, claim.keys, claim.policy, claim.traffic, works.core.clock)
        deliveries = attrs.evolve(works.application.deliveries, claim=later_and_later)
        works.application = attrs.evolve(works.application, deliveries=deliveries)
        works.mailer = InMemoryMailer(throttled)
        drained = await soon(works.worker().drain())
        assert drained.outcomes["throttled"] <= 4
        assert drained.left >= 2

    async def test_it_tries_what_a_breaker_holds_back(self, works: Works) -> None:
        await works.core.published("a@example.com", "b@example.com")
        keys = [BreakerKey(Scope.RELAY, "relay"), BreakerKey(Scope.DOMAIN, "example.com")]
        async with works.core.store() as tx:
            await tx.breakers.add_batch([tripped(None, key, "not now", works.core.clock.now) for key in keys])
        assert await soon(works.worker().drain()) == Drained({"sent": 2}, left=0)
        async with works.core.store() as tx:
            assert await tx.breakers.hold_batch(keys) == {}

    async def test_what_it_tries_in_vain_opens_the_breaker_for_longer(self, works: Works) -> None:
        await works.core.published("a@example.com")
        open_ = tripped(None, BreakerKey(Scope.RELAY, "relay"), "not now", works.core.clock.now)
        async with works.core.store() as tx:
            await tx.breakers.add_batch([open_])
        works.core.clock.now = open_.open_until
        works.mailer = InMemoryMailer(throttled)
        assert (await soon(works.worker().drain())).left == 1
        async with works.core.store() as tx:
            assert (await tx.breakers.hold_batch([open_.key]))[open_.key].failures == 2

    async def test_what_a_rate_puts_off_leaves_its_place_to_others_and_is_counted(self) -> None:
        rates = DomainRates.parse("slow.example=1/h", "ZERO2PROD_X")
        works = Works(attrs.evolve(POLICY, recipient_rates=rates))
        await works.core.published(*(f"{name}@slow.example" for name in "abcdef"), "a@example.com", "b@example.com")
        drained = await soon(works.worker(pace=attrs.evolve(PATIENT, batch=2)).drain())
        assert drained == Drained({"sent": 3}, left=5)

    async def test_what_a_job_makes_due_is_delivered_as_well(self, works: Works) -> None:
        await works.core.published("a@example.com")
        await works.core.parcels(urgent=False)
        works.core.clock.forward(POLICY.lease_lasts)
        assert await soon(works.worker().drain()) == Drained({"sent": 1}, left=0)

    async def test_stopped_it_leaves_the_rest_and_says_so(self, works: Works) -> None:
        await works.core.published(*READERS)
        mailer = PausingMailer()
        worker = works.worker(mailer)
        task = asyncio.create_task(worker.drain())
        await soon(mailer.marked.wait())
        worker.stop()
        mailer.may_go_on.set()
        assert await soon(task) == Drained({"sent": 1}, left=4)

    async def test_a_store_that_is_away_is_said_at_once(self, works: Works) -> None:
        works.uow.outage = Outage.AWAY
        with pytest.raises(StoreUnavailable):
            await soon(works.worker().drain())


def test_jobs_have_names_of_their_own_and_verbs() -> None:
    application = Core().application
    assert len({job.name for job in JOBS}) == len(JOBS)
    assert all(callable(job.verb(application)) for job in JOBS)
    assert all(job.period > timedelta(0) for job in JOBS)
