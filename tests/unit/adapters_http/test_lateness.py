import asyncio
from collections.abc import Awaitable, Callable

import pytest

from adapters_http.lateness import PARTS, PatientClock, patient_timeout
from tests.support.waiting import eventually

Stall = Callable[[float], Awaitable[None]]


class TestPatientClock:
    def test_goes_with_the_other_as_long_as_it_is_looked_at(self) -> None:
        times = [0.0]
        clock = PatientClock(lambda: times[-1], 1)
        for now in (0.5, 1.0, 1.75):
            times.append(now)
            assert clock() == now
            clock.look()

    def test_counts_one_step_where_nobody_looked(self) -> None:
        times = [100.0]
        clock = PatientClock(lambda: times[-1], 1)
        times.append(160.0)
        assert clock() == 1
        clock.look()
        assert clock() == 1
        times.append(160.5)
        assert clock() == 1.5


@pytest.fixture
def stall(monkeypatch: pytest.MonkeyPatch) -> Stall:
    """Moves the loop's clock, as if it had stood still meanwhile, and lets what is due run."""
    moved = [0.0]

    async def stall(seconds: float) -> None:
        running = asyncio.get_running_loop()
        if not moved[0]:
            time = running.time
            monkeypatch.setattr(running, "time", lambda: time() + moved[0])
        moved[0] += seconds
        for _ in range(3):
            await asyncio.sleep(0)  # a turn of the loop

    return stall


async def test_whoever_answers_after_a_stall_is_not_late(stall: Stall) -> None:
    async with patient_timeout(10):
        for _ in range(PARTS - 1):
            await stall(60)
        assert await asyncio.sleep(0, "done") == "done"


async def test_patience_ends(stall: Stall) -> None:
    async def stalled() -> None:
        async with patient_timeout(10):
            for _ in range(PARTS):
                await stall(60)
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await stalled()


async def test_patience_ends_by_the_usual_clock_too() -> None:
    with pytest.raises(TimeoutError):
        async with patient_timeout(0.01):
            await asyncio.Event().wait()


async def test_nothing_is_left_behind() -> None:
    ended = asyncio.Event()

    async def is_ended() -> bool:
        return ended.is_set()

    async with patient_timeout(0.01):
        asyncio.get_running_loop().call_later(0.05, ended.set)
    assert await eventually(is_ended)
