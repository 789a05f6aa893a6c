"""One recipient domain of a hundred takes no mail: the others get theirs as if it were not there."""

from collections.abc import Awaitable
from pathlib import Path

import pytest

from adapters_postgres.embedded import EmbeddedPostgres
from tests.support.campaigns import HURRY, Campaign, campaign
from tests.support.lying_smtp import Lie, LyingServer, Moment, honest, lying
from tests.support.waiting import eventually, until
from zero2prod.testing.builders import email, number, subscriber
from zero2prod_core.domain.deliveries import DeliveryState

pytestmark = pytest.mark.alone

DEAD, PACED = "dead.example", "paced.example"
OTHERS = [f"domain{place}.example" for place in range(98)]

READERS_EACH = 3
DEAD_READERS = 30
PACED_READERS = 20

BATCH = 20
"""Deliveries in one claim: so few that a worker learns of the domain before it has claimed the others."""

HANDFUL = 6
"""Tries: what two claims may hold of the domain, as its readers are spread."""

GREYLISTED = "451 4.7.1 come again later"

BREAKERS = "SELECT scope, subject FROM breakers ORDER BY scope, subject"
COMES_BACK = "UPDATE breakers SET open_until = clock_timestamp()"
SENT = "SELECT count(*) FROM deliveries WHERE domain = ANY (%s) AND state = 'sent'"
WAITING = "SELECT count(*) FROM deliveries WHERE domain = %s AND state = 'pending' AND due_at > clock_timestamp()"


class Throttling:
    """Puts off all mail to one domain. Where it holds, the first of it has to wait for the answer until all others were
    taken, but for the one that the same connection has ready.
    """

    def __init__(self, *, holds: bool, others: int) -> None:
        self.tries: list[str] = []
        self.server: LyingServer | None = None
        self._holds, self._others = holds, others

    def __call__(self, moment: Moment) -> Lie | Awaitable[Lie]:
        return self._put_off(moment) if moment.point == "RCPT" and moment.domain == DEAD else None

    async def _put_off(self, moment: Moment) -> Lie:
        self.tries.append(moment.recipient)
        if self._holds and len(self.tries) == 1:
            assert await eventually(self._are_others_taken)
        return GREYLISTED

    async def _are_others_taken(self) -> bool:
        return self.server is not None and self.server.book.count >= self._others - 1


def gather(it: Campaign) -> None:
    """The readers, those of the dead domain evenly among the others."""
    usual = [*OTHERS * READERS_EACH, *[PACED] * PACED_READERS]
    every = len(usual) // DEAD_READERS
    spread = [[DEAD, domain] if place % every == 0 else [domain] for place, domain in enumerate(usual)]
    domains = [domain for pair in spread for domain in pair]
    it.join([subscriber(email(f"reader-{number()}@{domain}")) for domain in domains])


def count(it: Campaign, question: str, what: object) -> int:
    ((answer,),) = it.database.superuser.execute(question.encode(), [what]).fetchall()
    return int(answer)


def sent(it: Campaign, *domains: str) -> int:
    return count(it, SENT, list(domains))


def hurried(it: Campaign, expected: int) -> bool:
    """Whether the mail to the dead domain has arrived, as all waiting is made to be over."""
    it.database.superuser.execute(HURRY)
    return sent(it, DEAD) == expected


@pytest.mark.parametrize(
    ("holds", "rates"),
    [
        pytest.param(False, "off", id="put off"),
        pytest.param(True, f"1000/s, {PACED}=3/h", id="a connection held, and rates"),
    ],
)
def test_one_dead_domain_of_a_hundred_keeps_nobody_else_waiting(
    postgres_server: EmbeddedPostgres, tmp_path: Path, *, holds: bool, rates: str
) -> None:
    paced, others = PACED_READERS if rates == "off" else 3, len(OTHERS) * READERS_EACH
    throttling = Throttling(holds=holds, others=others + paced)
    with lying(tmp_path, throttling) as server, campaign(postgres_server, server.relay) as it:
        throttling.server = server
        gather(it)
        dead = len(it.audience) - others - PACED_READERS
        it.publish()
        with it.working(DELIVERY_BATCH=BATCH, DELIVERY_RECIPIENT_RATES=rates) as worker:
            assert until(lambda: sent(it, *OTHERS, PACED) == others + paced), it.sums()
            assert until(lambda: count(it, WAITING, DEAD) == dead), it.sums()
            assert 0 < len(throttling.tries) <= HANDFUL
            assert count(it, WAITING, PACED) == PACED_READERS - paced
            assert {row.attempts for row in it.rows() if row.state is DeliveryState.PENDING} == {0}
            assert it.database.superuser.execute(BREAKERS).fetchall() == [("domain", DEAD)]
            server.liar = honest
            it.database.superuser.execute(COMES_BACK)
            assert until(lambda: hurried(it, dead)), it.sums()
            assert worker.stop() == 0
        assert it.database.superuser.execute(BREAKERS).fetchall() == []
        verdict = it.verdict()
        assert verdict.is_clean, verdict
        assert verdict.repeated == {}
        assert sent(it, PACED) == paced
