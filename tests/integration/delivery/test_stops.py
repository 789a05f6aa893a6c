"""Workers that are asked to end amid an issue, and workers that sleep past the end of their leases."""

import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import attrs
import pytest

from tests.support.campaigns import BULK, SOAK, Campaign
from tests.support.postgres_proxy import Moment, PostgresProxy, proxied
from tests.support.relays import Relay
from tests.support.services import Service
from zero2prod_core.domain.deliveries import DeliveryState

pytestmark = pytest.mark.alone

SEED = 7

READERS = 200

BETWEEN_SIGNALS = 200

TIMES = [0, *(pytest.param(time, marks=pytest.mark.soak) for time in range(1, 51))]
"""Once in `make test`, with moments that are the same every time, and fifty others in `make soak`."""


@pytest.mark.parametrize("signals", [2, pytest.param(50, marks=SOAK)])
def test_a_worker_that_is_asked_to_end_finishes_what_is_under_way(issue: Campaign, relay: Relay, signals: int) -> None:
    """Its exit is awaited for 30 s, the time that it is given."""
    chance = random.Random(SEED)  # noqa: S311 - the same moments every time
    readers = (signals + 1) * BETWEEN_SIGNALS
    issue.readers(readers)
    issue.publish()
    for leg in range(signals):
        relay.quota((leg + 1) * BETWEEN_SIGNALS)
        with issue.working() as worker:
            relay.accepted(leg * BETWEEN_SIGNALS + chance.randrange(1, BETWEEN_SIGNALS))
            worker.process.send_signal(signal.SIGTERM)
            relay.quota(None)
            assert worker.process.wait(30) == 0
        assert issue.sums().keys() <= {DeliveryState.SENT, DeliveryState.PENDING}, "it left something undecided"
    issue.finish_by_another()
    verdict = issue.verdict()
    assert verdict.is_clean, verdict
    assert verdict.repeated == {}
    assert issue.sums() == {DeliveryState.SENT: readers}


@attrs.frozen
class Sleeper:
    """A worker that was stopped where it stood, amid an issue, and whose leases are over."""

    campaign: Campaign
    worker: Service
    proxy: PostgresProxy
    at: str

    def wake(self) -> None:
        """Give it its answers, let it go on, and wait until it has reported them."""
        trap = self.proxy.trap("deliveries.settle", Moment.AFTER, commit=True)
        self.campaign.relay.go_on(self.at)
        self.worker.process.send_signal(signal.SIGCONT)
        trap.reached()
        trap.go_on()

    def end(self) -> None:
        assert self.worker.stop() == 0


@contextmanager
def asleep(issue: Campaign, at: str = "taken", after: int = 20) -> Iterator[Sleeper]:
    """All its connections for issues wait for the relay."""
    issue.relay.hold(at, after, BULK)
    with proxied(issue.database.url) as proxy, issue.working(proxy.url) as worker:
        issue.relay.reached(at, BULK)
        worker.process.send_signal(signal.SIGSTOP)
        try:
            issue.end_leases(worker)
            yield Sleeper(issue, worker, proxy, at)
        finally:
            worker.process.send_signal(signal.SIGCONT)


@pytest.mark.parametrize("time", TIMES)
def test_stale_reports_change_nothing(issue: Campaign, time: int) -> None:
    """Another worker has sent again what was in doubt. What the first one says then is of no interest."""
    issue.readers(READERS)
    issue.publish()
    with asleep(issue, after=random.Random(time).randrange(READERS // 2)) as sleeper:  # noqa: S311 - repeatable
        doubtful = issue.emails(DeliveryState.UNCERTAIN)
        assert len(doubtful) == BULK
        issue.finish_by_another()
        before = issue.rows()
        sleeper.wake()
        sleeper.end()
        assert issue.rows() == before
    verdict = issue.verdict()
    assert verdict.is_clean, verdict
    assert verdict.repeated == dict.fromkeys(doubtful, 1)
    assert issue.sums() == {DeliveryState.SENT: READERS}


@pytest.mark.parametrize("time", TIMES)
def test_marks_are_refused_where_another_worker_has_the_lease(issue: Campaign, relay: Relay, time: int) -> None:
    """Only the 250s that were still on their way count, whoever has a lease: they tell of mails that arrived."""
    issue.readers(READERS)
    issue.publish()
    with asleep(issue, after=random.Random(time).randrange(READERS // 2)) as sleeper:  # noqa: S311 - repeatable
        doubtful, taken = issue.emails(DeliveryState.UNCERTAIN), len(relay.mails)
        relay.hold("MAIL", most=BULK)
        with issue.working() as another:
            relay.reached("MAIL", BULK)
            sleeper.wake()
            sleeper.end()
            assert len(relay.mails) == taken, "a mail was completed under a lease that had ended"
            assert doubtful <= issue.emails(DeliveryState.SENT)
            relay.go_on("MAIL")
            issue.finish()
            assert another.stop() == 0
    verdict = issue.verdict()
    assert verdict.is_clean, verdict
    assert verdict.repeated == {}
    assert issue.sums() == {DeliveryState.SENT: READERS}
