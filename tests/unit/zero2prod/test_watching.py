import asyncio
from collections.abc import Mapping
from datetime import timedelta

import pytest

from adapters_system.telemetry import PrometheusTelemetry
from tests.support.waiting import eventually
from zero2prod import watching
from zero2prod.watching import StoreWatch, note_lag, watched
from zero2prod_core.domain.letters import LetterKind
from zero2prod_core.errors import StoreUnavailable
from zero2prod_core.ports.deliveries import Backlog
from zero2prod_core.ports.telemetry import Reading, Telemetry

ISSUES = Backlog(7, timedelta(seconds=30))


class Store:
    """One that answers, refuses, or lets whoever asks wait until ``answers`` is set."""

    def __init__(self) -> None:
        self.asked = 0
        self.is_away = False
        self.answers = asyncio.Event()
        self.answers.set()

    async def read(self) -> Mapping[LetterKind, Backlog]:
        self.asked += 1
        await self.answers.wait()
        if self.is_away:
            raise StoreUnavailable
        return {LetterKind.ISSUE: ISSUES}


class Ear(Telemetry):
    """Hears what is observed."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, float]] = []

    def count(self, event: str, number: int = 1, **labels: str) -> None:
        raise AssertionError(event, number, labels)

    def observe(self, event: str, seconds: float, **labels: str) -> None:
        assert labels == {}
        self.heard.append((event, seconds))


def seen(watch: StoreWatch) -> dict[str, object]:
    return {reading.event: reading.value for reading in watch.readings()}


async def test_the_backlog_is_read_when_somebody_looks() -> None:
    store = Store()
    watch = StoreWatch(store.read)
    assert seen(watch) == {}
    await watch.look()
    assert seen(watch) == {"store_up": True, "deliveries_due": 7, "deliveries_longest_wait": 30.0}
    assert list(watch.readings())[1] == Reading("deliveries_due", 7, {"kind": "issue"})


async def test_it_is_read_once_for_all_who_look_within_a_while() -> None:
    store = Store()
    watch = StoreWatch(store.read)
    await asyncio.gather(*(watch.look() for _ in range(5)))
    await watch.look()
    assert store.asked == 1


async def test_a_backlog_that_is_stale_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "FRESH", 0)
    monkeypatch.setattr(watching, "SHARE", 0)
    store = Store()
    watch = StoreWatch(store.read)
    for _ in range(3):
        await watch.look()
    assert store.asked == 3


async def test_one_that_was_dear_is_read_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "FRESH", 0)
    monkeypatch.setattr(watching, "SHARE", 1e9)
    store = Store()
    watch = StoreWatch(store.read)
    await watch.look()
    await watch.look()
    assert store.asked == 1


async def test_a_store_that_is_away_is_told_of_without_a_backlog(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "FRESH", 0)
    monkeypatch.setattr(watching, "SHARE", 0)
    store = Store()
    watch = StoreWatch(store.read)
    await watch.look()
    store.is_away = True
    await watch.look()
    assert seen(watch) == {"store_up": False}
    store.is_away = False
    await watch.look()
    assert seen(watch)["store_up"] is True


async def test_a_scrape_does_not_wait_for_a_store_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "PATIENCE", 0)
    store = Store()
    store.answers.clear()
    watch = StoreWatch(store.read)
    await watch.look()
    await watch.look()
    assert (store.asked, seen(watch)) == (1, {})
    store.answers.set()

    async def known() -> bool:
        return "deliveries_due" in seen(watch)

    assert await eventually(known)


async def test_what_is_too_old_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store()
    watch = StoreWatch(store.read)
    await watch.look()
    monkeypatch.setattr(watching, "RARELY", -1e9)
    assert seen(watch) == {"store_up": True}


async def test_what_nobody_expected_is_raised_to_whoever_looks() -> None:
    async def broken() -> Mapping[LetterKind, Backlog]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await StoreWatch(broken).look()


async def test_closing_ends_a_reading_that_is_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "PATIENCE", 0)
    store = Store()
    store.answers.clear()
    watch = StoreWatch(store.read)
    await watch.close()
    await watch.look()
    before = asyncio.all_tasks()
    await watch.close()
    assert len(before - asyncio.all_tasks()) == 1


async def test_the_loop_s_lateness_is_never_less_than_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "LAG_EVERY", 0)
    ear = Ear()
    noting = asyncio.create_task(note_lag(ear))

    async def heard() -> bool:
        return len(ear.heard) > 2

    assert await eventually(heard)
    noting.cancel()
    assert {event for event, _ in ear.heard} == {"loop_lag"}
    assert all(seconds >= 0 for _, seconds in ear.heard)


async def test_everything_is_told_together() -> None:
    telemetry = PrometheusTelemetry()
    async with watched(telemetry, Store().read, lambda: [Reading("pool_busy", 2)]) as instruments:
        instruments.telemetry.count("limit_alarms", scope="mail_total")
        lines = (await instruments.tell()).decode().splitlines()
    for line in ("zero2prod_store_up 1.0", "zero2prod_pool_busy 2.0"):
        assert line in lines
    assert 'zero2prod_limit_alarms_total{scope="mail_total"} 1.0' in lines
    assert 'zero2prod_deliveries_due{kind="issue"} 7.0' in lines
