"""A worker is killed at every point of a mail's way, one worker after the other, amid one issue.

What each of them leaves in doubt is looked at before the next one comes: those of its mails that the relay has taken
are what may arrive twice. Before a mail is complete there are none; where the relay's 250 and our commit are not yet
one, at most one for each open connection.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias
from uuid import UUID

import attrs
import pytest

from adapters_postgres.embedded import EmbeddedPostgres
from tests.support.campaigns import BULK, CONNECTIONS, SOAK, Campaign, campaign
from tests.support.postgres_proxy import Moment, PostgresProxy, proxied
from tests.support.relays import Relay, recording
from tests.support.services import Service
from zero2prod_core.domain.deliveries import DeliveryState
from zero2prod_core.domain.letters import UncertainPolicy

pytestmark = pytest.mark.untraced

# Each worker sends some and leaves some in doubt, and the last one finds a rest.
READERS = 200


@attrs.frozen
class Scene:
    """Where workers are killed; they reach the database through the proxy."""

    campaign: Campaign
    proxy: PostgresProxy

    @property
    def relay(self) -> Relay:
        return self.campaign.relay


Crash: TypeAlias = Callable[[Scene], Service]
"""Starts a worker, kills it at a point, and returns the dead."""


def at_relay(scene: Scene, at: str, *, connections: int = 1, after: int = 0, arrives: bool = False) -> Service:
    """While the relay holds it; with ``arrives`` the relay reads on in what the dead worker's kernel still had."""
    scene.relay.hold(at, after)
    with scene.campaign.working(scene.proxy.url) as worker:
        scene.relay.reached(at, connections)
        worker.kill()
    if arrives:
        scene.relay.go_on(at)
    else:
        scene.relay.drop(at)
    return worker


def in_ledger(scene: Scene, statement: str, moment: Moment, *, commit: bool = True, after: int = 0) -> Service:
    """While a statement, or the commit of its transaction that had something to do, is held on its way."""
    trap = scene.proxy.trap(statement, moment, commit=commit, full=commit, after=after)
    with scene.campaign.working(scene.proxy.url) as worker:
        trap.reached()
        worker.kill()
    trap.cut()
    return worker


SAFE: Mapping[str, Crash] = MappingProxyType(
    {
        "claim": partial(in_ledger, statement="deliveries.claim", moment=Moment.AFTER),
        "connect": partial(at_relay, at="connect"),
        "MAIL": partial(at_relay, at="MAIL"),
        "RCPT": partial(at_relay, at="RCPT"),
        "mid-body": partial(at_relay, at="body"),
        "mark, not committed": partial(in_ledger, statement="deliveries.mark", moment=Moment.BEFORE),
        "mark": partial(in_ledger, statement="deliveries.mark", moment=Moment.AFTER),
        "complete, and not taken": partial(at_relay, at="dot", connections=BULK),
    }
)
"""A worker's first mails, of which none has been taken: nothing is repeated."""

SAFE_WITH_DATA: Mapping[str, Crash] = MappingProxyType(
    {"DATA": partial(at_relay, at="DATA"), "354": partial(at_relay, at="354")}
)
SAFE_WITH_BDAT: Mapping[str, Crash] = MappingProxyType({"BDAT": partial(at_relay, at="BDAT")})

IN_DOUBT: Mapping[str, Crash] = MappingProxyType(
    {
        "the dot before 250": partial(at_relay, at="taken", connections=BULK, after=10),
        "250 before commit": partial(
            in_ledger, statement="deliveries.settle", moment=Moment.BEFORE, commit=False, after=2
        ),
        "commit, before it": partial(in_ledger, statement="deliveries.settle", moment=Moment.BEFORE, after=2),
        "commit, after it": partial(in_ledger, statement="deliveries.settle", moment=Moment.AFTER, after=2),
        "MAIL, amid others": partial(at_relay, at="MAIL", after=10),
        "mid-body, amid others": partial(at_relay, at="body", after=10),
        "written, and read after its death": partial(at_relay, at="MAIL", after=10, arrives=True),
    }
)
"""At most one mail for each open connection is repeated."""


@attrs.frozen
class Doubt:
    """What one death left: who became uncertain, and who of them has the mail."""

    uncertain: frozenset[str]
    taken: frozenset[str]


class Series:
    """Deaths, one after the other."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.doubts: dict[str, Doubt] = {}

    def die(self, name: str, crash: Crash, most: int) -> None:
        """One worker's life; ``most`` is how many mails may be taken that the ledger is in doubt of."""
        it = self._scene.campaign
        before, already = len(it.relay.mails), it.emails(DeliveryState.UNCERTAIN)
        it.end_leases(crash(self._scene))
        it.relay.emptied()
        uncertain = it.emails(DeliveryState.UNCERTAIN) - already
        taken = uncertain & {mail.recipient for mail in it.relay.mails[before:]}
        assert len(taken) <= most, name
        assert it.verdict().is_clean, (name, it.verdict())
        self.doubts[name] = Doubt(frozenset(uncertain), frozenset(taken))
        it.hurry()

    @property
    def taken(self) -> Counter[str]:
        return Counter(email for doubt in self.doubts.values() for email in doubt.taken)

    @property
    def uncertain(self) -> set[str]:
        return {email for doubt in self.doubts.values() for email in doubt.uncertain}


def suffer(server: EmbeddedPostgres, place: Path, policy: UncertainPolicy, *, chunking: bool) -> None:
    """An issue with a death at each point, to its end."""
    place.mkdir()
    without: Sequence[str] = () if chunking else ("CHUNKING",)
    with (
        recording(place, without=without) as relay,
        campaign(server, relay, policy) as it,
        proxied(it.database.url) as proxy,
    ):
        it.readers(READERS)
        issue = it.publish()
        series = Series(Scene(it, proxy))
        for name, crash in {**SAFE, **(SAFE_WITH_BDAT if chunking else SAFE_WITH_DATA)}.items():
            series.die(name, crash, most=0)
        for name, crash in IN_DOUBT.items():
            series.die(name, crash, most=CONNECTIONS)
        assert len(series.doubts["the dot before 250"].taken) == BULK, "nothing was in doubt where something must be"
        it.finish_by_another()
        judge(it, series, issue)


def judge(it: Campaign, series: Series, issue: UUID) -> None:
    """Sent again is what was in doubt and no more; held, it is listed and not sent again."""
    verdict = it.verdict()
    assert verdict.is_clean, verdict
    if it.policy is UncertainPolicy.RESEND:
        assert verdict.repeated == series.taken
        assert it.sums() == {DeliveryState.SENT: READERS}
    else:
        assert verdict.repeated == {}
        assert it.emails(DeliveryState.UNCERTAIN) == it.listed(issue) == series.uncertain
        assert it.sums()[DeliveryState.SENT] == READERS - len(series.uncertain)


@pytest.mark.parametrize(
    ("chunking", "bare"),
    [
        pytest.param(UncertainPolicy.RESEND, UncertainPolicy.HOLD, id="BDAT resends, DATA holds"),
        pytest.param(UncertainPolicy.HOLD, UncertainPolicy.RESEND, id="BDAT holds, DATA resends", marks=SOAK),
    ],
)
def test_a_worker_killed_at_any_point_loses_nobody_and_repeats_only_what_was_in_doubt(
    postgres_server: EmbeddedPostgres, tmp_path: Path, chunking: UncertainPolicy, bare: UncertainPolicy
) -> None:
    """Two issues at once, over a relay that offers CHUNKING and over one that does not."""
    with ThreadPoolExecutor() as threads:
        both = [
            threads.submit(suffer, postgres_server, tmp_path / "BDAT", chunking, chunking=True),
            threads.submit(suffer, postgres_server, tmp_path / "DATA", bare, chunking=False),
        ]
    for suffering in both:
        suffering.result()
