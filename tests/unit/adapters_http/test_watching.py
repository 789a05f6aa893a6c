"""Looking at an issue for all who watch it."""

import asyncio
from uuid import UUID

import pytest

from adapters_http import watching
from adapters_http.watching import Rhythm, Watches
from zero2prod.testing.builders import T0, letter, new_id
from zero2prod_core.domain.deliveries import DeliveryState
from zero2prod_core.domain.issues import Issue, IssueState
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER
from zero2prod_core.domain.progress_reports import IssueProgress
from zero2prod_core.errors import IssueUnknown, StoreUnavailable

LETTER = letter()

QUICK = Rhythm(look=0.0, share=1.0)

NEVER = Rhythm(look=3600)


class Counting:
    """An issue of which each look finds one more mail sent; ``failures`` are raised first."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.looks = 0
        self.state = IssueState.SENDING
        self.failed = asyncio.Event()

    async def __call__(self, id_: UUID) -> IssueProgress:
        self.looks += 1
        if self.failures:
            self.failed.set()
            raise self.failures.pop(0)
        issue = Issue(id_, DEFAULT_NEWSLETTER.id, LETTER.id, "News", self.state, T0)
        return IssueProgress(issue, DEFAULT_NEWSLETTER, LETTER, {DeliveryState.SENT: self.looks}, 0, [])


@pytest.mark.parametrize(("rhythm", "rest"), [(Rhythm(), 27.0), (Rhythm(share=0.5), 3.0), (Rhythm(look=60.0), 60.0)])
def test_a_rhythm_says_how_long_looking_rests(rhythm: Rhythm, rest: float) -> None:
    assert rhythm.rest(3.0) == pytest.approx(rest)


async def test_each_watcher_is_told_each_look_once() -> None:
    watches = Watches(Counting(), QUICK)
    async with watches.watching(new_id()) as watch:
        first = await watch.after(None)
        second = await watch.after(first)
        assert second is not first
        assert second.rate is None or second.rate >= 0


async def test_a_watch_ends_with_its_last_watcher() -> None:
    show, id_ = Counting(), new_id()
    watches = Watches(show, NEVER)
    async with watches.watching(id_) as one:
        async with watches.watching(id_) as other:
            assert one is other
        first = await one.after(None)
    async with watches.watching(id_) as later:
        assert later is not one
        assert await later.after(None) is not first
    assert show.looks == 2


async def test_a_watch_that_has_ended_is_kept_by_nobody_who_comes_later() -> None:
    show, id_ = Counting(), new_id()
    watches = Watches(show, QUICK)
    async with watches.watching(id_) as slow:
        show.state = IssueState.FINISHED
        await asyncio.wait({slow._task})
        show.state = IssueState.SENDING
        async with watches.watching(id_) as later:
            assert later is not slow
            first = await later.after(None)
            assert await later.after(first) is not first
    await asyncio.wait({later._task})
    assert later.has_ended


async def test_a_first_look_that_fails_is_everybody_s() -> None:
    watches = Watches(Counting(IssueUnknown("x")), NEVER)
    async with watches.watching(new_id()) as watch:
        told = await asyncio.gather(watch.after(None), watch.after(None), return_exceptions=True)
        assert [type(each) for each in told] == [IssueUnknown, IssueUnknown]


async def test_a_store_that_goes_away_is_waited_for() -> None:
    show = Counting()
    watches = Watches(show, QUICK)
    async with watches.watching(new_id()) as watch:
        first = await watch.after(None)
        show.failures = [StoreUnavailable()]
        await show.failed.wait()
        assert await watch.after(first) is not first


async def test_what_anybody_sees_everybody_is_told() -> None:
    watches, id_ = Watches(Counting(), NEVER), new_id()
    async with watches.watching(id_) as watch:
        first = await watch.after(None)
        seen = await watches.look(id_)
        assert await watch.after(first) is seen


async def test_the_pace_of_old_looks_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "SPEEDOMETERS_KEPT", 1)
    watches, old = Watches(Counting(), NEVER), new_id()
    await watches.look(old)
    await watches.look(new_id())
    assert len((await watches.look(old)).speedometer.samples) == 1
