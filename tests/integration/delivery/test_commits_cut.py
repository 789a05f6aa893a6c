"""The database connection lost exactly at COMMIT: before the server hears of it, or before we hear of its answer.

Whoever asked for the commit cannot tell the two apart. Nothing may be lost by believing in one, or doubled by believing
in the other.
"""

from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice, product

import pytest

from tests.support.campaigns import SOAK, Campaign
from tests.support.postgres_proxy import Moment, PostgresProxy
from zero2prod_core.domain.deliveries import DeliveryState

pytestmark = pytest.mark.alone

# A claim, and how often it is made: mails enough between two cuts, and an issue that lasts.
BATCH = 20
READERS_PER_CUT = 2 * BATCH

WORKERS_STATEMENTS = ("deliveries.claim", "deliveries.mark", "deliveries.settle")

END_NEWEST_LEASE = """
UPDATE leases SET expires_at = clock_timestamp() WHERE lease_id = (
    SELECT lease_id FROM leases ORDER BY taken_at DESC LIMIT 1
)
"""


@pytest.mark.parametrize("cuts", [12, pytest.param(180, marks=SOAK)])
def test_a_worker_cut_off_at_its_commits_loses_and_repeats_nobody(
    issue: Campaign, proxy: PostgresProxy, cuts: int
) -> None:
    readers = cuts * READERS_PER_CUT
    issue.readers(readers)
    issue.publish()
    with issue.working(proxy.url, DELIVERY_BATCH=BATCH) as worker:
        for statement, moment in islice(cycle(product(WORKERS_STATEMENTS, Moment)), cuts):
            trap = proxy.trap(statement, moment, commit=True, full=True)
            trap.reached()
            if (statement, moment) == ("deliveries.claim", Moment.AFTER):
                # The worker will never know of this lease: its end, half a minute away, is made to come.
                issue.database.superuser.execute(END_NEWEST_LEASE)
            trap.cut()
        issue.finish()
        assert worker.stop() == 0
    verdict = issue.verdict()
    assert verdict.is_clean, verdict
    assert verdict.repeated == {}
    assert issue.sums() == {DeliveryState.SENT: readers}


@pytest.mark.parametrize("moment", list(Moment))
@pytest.mark.parametrize("times", [1, pytest.param(10, marks=SOAK)])
def test_publishing_cut_off_at_its_commit_is_done_once(
    issue: Campaign, proxy: PostgresProxy, moment: Moment, times: int
) -> None:
    """It looks by its key whether it is done, and tries again if not; so does whoever asks again."""
    with ThreadPoolExecutor() as threads:
        for _ in range(times):
            issue.empty()
            issue.readers(10)
            trap = proxy.trap("deliveries.enqueue_audience", moment, commit=True)
            publishing = threads.submit(issue.publish, url=proxy.url, key="the same")
            trap.reached()
            trap.cut()
            assert publishing.result() == issue.publish(key="the same")
            assert issue.sums() == {DeliveryState.PENDING: 10}
