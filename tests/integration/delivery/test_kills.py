"""Workers killed at random, again and again, while others go on: nobody is lost, and few are repeated.

The moments are counts of accepted mails, drawn from a seed. Between two kills the relay takes no more than its quota,
so that an issue is not over before the next one; a worker is killed while mails flow.
"""

import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import attrs
import pytest

from tests.support.campaigns import CONNECTIONS, SOAK, Campaign
from tests.support.relays import Relay
from tests.support.services import Service
from zero2prod_core.domain.deliveries import DeliveryState

pytestmark = pytest.mark.alone

# Found by chance; the same storm every time.
SEED = 4


@attrs.frozen
class Crew:
    """Two workers, of which one may die at any time and is replaced."""

    campaign: Campaign
    stack: ExitStack
    workers: list[Service]

    def hire(self) -> None:
        self.workers.append(self.stack.enter_context(self.campaign.working()))

    def lose(self, which: int) -> None:
        """Kill one, end its leases, and start another."""
        dead = self.workers.pop(which)
        dead.kill()
        self.hire()
        self.campaign.end_leases(dead)

    def dismiss(self) -> None:
        assert [worker.stop() for worker in self.workers] == [0, 0]


@contextmanager
def crew(campaign: Campaign) -> Iterator[Crew]:
    with ExitStack() as stack:
        made = Crew(campaign, stack, [])
        made.hire()
        made.hire()
        yield made


@pytest.mark.parametrize(
    ("readers", "kills"),
    [
        (1_000, 3),
        pytest.param(10_000, 30, marks=SOAK),
        pytest.param(10_000, 300, marks=SOAK),
    ],
)
def test_workers_killed_at_random_lose_nobody(issue: Campaign, relay: Relay, readers: int, kills: int) -> None:
    chance = random.Random(SEED)  # noqa: S311 - the same storm every time
    leg = readers // (kills + 1)
    issue.readers(readers)
    relay.quota(leg)
    issue.publish()
    with crew(issue) as workers:
        for kill in range(kills):
            relay.accepted(kill * leg + chance.randrange(1, leg))
            workers.lose(chance.randrange(2))
            issue.hurry()
            relay.quota((kill + 2) * leg)
        relay.quota(None)
        issue.finish()
        workers.dismiss()
    verdict = issue.verdict()
    assert verdict.is_clean, verdict
    assert sum(verdict.repeated.values()) <= kills * CONNECTIONS
    assert issue.sums().total() == issue.sums()[DeliveryState.SENT] == readers
