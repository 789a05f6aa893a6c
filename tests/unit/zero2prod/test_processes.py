import asyncio
import os
import signal

import pytest

from zero2prod.processes import STOPPING, stopping_on_signals


async def several_turns() -> None:
    """Let the event loop hear of signals: their handlers write to a pipe that it reads."""
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.mark.parametrize("number", STOPPING)
async def test_the_first_signal_stops(number: signal.Signals) -> None:
    stopped = asyncio.Event()
    with stopping_on_signals(stopped.set):
        os.kill(os.getpid(), number)
        await asyncio.wait_for(stopped.wait(), 5)
    assert stopped.is_set()


async def test_the_second_signal_cancels_what_runs() -> None:
    stops: list[None] = []

    async def service() -> None:
        with stopping_on_signals(lambda: stops.append(None)):
            os.kill(os.getpid(), signal.SIGTERM)
            await several_turns()
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.Event().wait()

    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(asyncio.create_task(service()), 5)
    assert len(stops) == 1


async def test_a_third_one_only_stops_again() -> None:
    stops: list[None] = []
    with stopping_on_signals(lambda: stops.append(None)):
        task = asyncio.current_task()
        assert task
        for _ in range(3):
            os.kill(os.getpid(), signal.SIGTERM)
            try:
                await several_turns()
            except asyncio.CancelledError:
                task.uncancel()
    assert len(stops) == 2


async def test_afterwards_signals_mean_what_they_meant_before() -> None:
    with stopping_on_signals(lambda: None):
        assert signal.getsignal(signal.SIGTERM) not in {signal.SIG_DFL, signal.SIG_IGN}
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
