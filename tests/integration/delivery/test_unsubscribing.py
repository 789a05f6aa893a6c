"""Readers who leave amid an issue: no mail is completed whose mark was committed after that.

The worker is held on its way to the mark, or between the mark and its commit, so that which came first is known.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.campaigns import Campaign
from tests.support.postgres_proxy import Moment, PostgresProxy
from tests.support.relays import Relay
from tests.support.waiting import until
from zero2prod_core.domain.deliveries import DeliveryState

pytestmark = pytest.mark.alone

# Three connections mark at most three readers in one go: there are some left to leave at every point of the test.
READERS = 30

# At most three of them must wait, and hold a session each.
CROWD = 12

WAITING = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


def recipients(relay: Relay) -> set[str]:
    return {mail.recipient for mail in relay.mails}


@pytest.mark.parametrize("marked", [0, 2, *(pytest.param(marked, marks=pytest.mark.soak) for marked in range(3, 9))])
def test_whoever_left_before_the_mark_gets_no_mail(
    issue: Campaign, proxy: PostgresProxy, relay: Relay, marked: int
) -> None:
    issue.readers(READERS)
    issue.publish()
    trap = proxy.trap("deliveries.lock", Moment.BEFORE, after=marked)
    with issue.working(proxy.url) as worker:
        trap.reached()
        leaving = issue.emails(DeliveryState.LEASED)
        assert leaving
        issue.leave(leaving)
        trap.go_on()
        issue.finish()
        assert worker.stop() == 0
    assert issue.emails(DeliveryState.SUPPRESSED) == leaving
    assert recipients(relay) == set(issue.audience) - leaving
    assert issue.verdict().is_clean, issue.verdict()


def waiting(issue: Campaign) -> int:
    """How many sessions wait for a lock."""
    ((count,),) = issue.database.superuser.execute(WAITING).fetchall()
    return int(count)


@pytest.mark.parametrize("marked", [0, 1])
def test_whoever_leaves_after_the_mark_waits_for_it_and_may_get_the_mail(
    issue: Campaign, proxy: PostgresProxy, relay: Relay, marked: int
) -> None:
    """All leave while a mark is being committed: those who must wait for it are those that it was for."""
    issue.readers(CROWD)
    issue.publish()
    trap = proxy.trap("deliveries.mark", Moment.BEFORE, commit=True, full=True, after=marked)
    with issue.working(proxy.url) as worker, ThreadPoolExecutor() as threads:
        trap.reached()
        crowd, gone = issue.emails(DeliveryState.LEASED), list[str]()
        leaving = threads.submit(issue.leave, crowd, gone)
        assert until(lambda: 0 < waiting(issue) == len(crowd) - len(gone))
        in_time = set(gone)
        trap.go_on()
        leaving.result()
        issue.finish()
        assert worker.stop() == 0
    assert issue.emails(DeliveryState.SUPPRESSED) == in_time
    assert recipients(relay) == set(issue.audience) - in_time
    assert issue.verdict().is_clean, issue.verdict()
