import asyncio
from collections.abc import Mapping
from datetime import timedelta

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from adapters_http.refusal_tally import ALL_OTHERS, RefusalTally
from zero2prod_core.errors import Defect, LimitExceeded, StoreUnavailable
from zero2prod_core.ports.limits import LimitKey
from zero2prod_core.ports.telemetry import Silence

ONE, TWO, THREE = (LimitKey("sign_up_network", digits) for digits in ("aa", "bb", "cc"))


class Store:
    """What it was told; ``fault`` is raised instead, once. ``calls`` has one for each time that it was asked."""

    def __init__(self) -> None:
        self.told: list[Mapping[LimitKey, int]] = []
        self.calls: asyncio.Queue[None] = asyncio.Queue()
        self.fault: Exception | None = None

    async def __call__(self, counts: Mapping[LimitKey, int]) -> None:
        fault, self.fault = self.fault, None
        self.calls.put_nowait(None)
        if fault:
            raise fault
        self.told.append(dict(counts))


class Counting(Silence):
    def __init__(self) -> None:
        self.counted: list[tuple[str, str]] = []

    def count(self, event: str, number: int = 1, **labels: str) -> None:
        self.counted.append((event, labels["scope"]))


@pytest.fixture
def store() -> Store:
    return Store()


def refused(key: LimitKey) -> LimitExceeded:
    return LimitExceeded(key.scope, timedelta(seconds=1), key.subject)


def note(tally: RefusalTally, *keys: LimitKey) -> None:
    for key in keys:
        tally.note(refused(key))


async def test_refusals_are_told_as_sums_and_once(store: Store) -> None:
    tally = RefusalTally(store)
    note(tally, ONE, TWO, ONE)
    await tally.tell()
    await tally.tell()
    note(tally, TWO)
    await tally.tell()
    assert store.told == [{ONE: 2, TWO: 1}, {TWO: 1}]


async def test_while_the_store_is_away_they_are_kept(store: Store) -> None:
    tally = RefusalTally(store)
    note(tally, ONE, TWO)
    store.fault = StoreUnavailable()
    with capture_logs() as logs:
        await tally.tell()
    note(tally, ONE)
    await tally.tell()
    assert store.told == [{ONE: 2, TWO: 1}]
    assert [(line["event"], line["refusals"]) for line in logs] == [("refusals_not_counted_yet", 2)]


async def test_of_too_many_keys_the_others_are_counted_together(store: Store) -> None:
    tally = RefusalTally(store, most=2)
    note(tally, ONE, TWO, THREE, THREE, ONE, LimitKey("login_account", "dd"))
    await tally.tell()
    others = {LimitKey(ONE.scope, ALL_OTHERS): 2, LimitKey("login_account", ALL_OTHERS): 1}
    assert store.told == [{ONE: 2, TWO: 1, **others}]


async def test_a_refusal_of_nobody_in_particular_counts_too(store: Store) -> None:
    tally = RefusalTally(store)
    tally.note(LimitExceeded("sign_up_network", timedelta(seconds=1)))
    await tally.tell()
    assert store.told == [{LimitKey("sign_up_network", ALL_OTHERS): 1}]


async def test_numbers_are_told_at_once_and_what_all_share_is_an_alarm(store: Store) -> None:
    telemetry = Counting()
    note(RefusalTally(store, telemetry), ONE, LimitKey("login_total", "ee"))
    assert telemetry.counted == [
        ("limit_refusals", "sign_up_network"),
        ("limit_refusals", "login_total"),
        ("limit_alarms", "login_total"),
    ]


async def test_while_a_site_runs_it_tells_by_itself_and_goes_on_after_a_defect(store: Store) -> None:
    tally = RefusalTally(store, every=0.001)
    store.fault = Defect("a mistake")
    with capture_logs() as logs:
        site = tally.telling(web.Application())
        await anext(site)
        note(tally, ONE)
        await store.calls.get()
        note(tally, TWO)
        await store.calls.get()
        note(tally, THREE)
        with pytest.raises(StopAsyncIteration):
            await anext(site)
    assert store.told == [{TWO: 1}, {THREE: 1}]
    assert [line["event"] for line in logs] == ["refusals_not_counted"]
