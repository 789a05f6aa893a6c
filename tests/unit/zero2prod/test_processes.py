import asyncio
import os
import resource
import signal
from collections.abc import Iterator

import pytest

from tests.support.waiting import PATIENCE
from zero2prod.processes import STOPPING, raise_file_limit, stopping_on_signals


async def several_turns() -> None:
    """Let the event loop hear of signals: their handlers write to a pipe that it reads."""
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.mark.parametrize("number", STOPPING)
async def test_the_first_signal_stops(number: signal.Signals) -> None:
    stopped = asyncio.Event()
    with stopping_on_signals(stopped.set):
        os.kill(os.getpid(), number)
        await asyncio.wait_for(stopped.wait(), PATIENCE)
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
        await asyncio.wait_for(asyncio.create_task(service()), PATIENCE)
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


class TestFileLimit:
    @pytest.fixture
    def hard(self) -> Iterator[int]:
        """The hard limit of this process, whose soft one is put back at the end."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        yield hard
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    def test_it_is_raised_as_far_as_wanted(self, hard: int) -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        assert raise_file_limit(300) == 300
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (300, hard)

    def test_it_is_never_lowered(self, hard: int) -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        assert raise_file_limit(100) == 256

    def test_the_hard_limit_stays(self, hard: int) -> None:
        assert raise_file_limit() <= hard or hard == resource.RLIM_INFINITY
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[1] == hard

    def test_where_it_is_forbidden_the_old_one_holds(self, hard: int, monkeypatch: pytest.MonkeyPatch) -> None:
        def forbidden(*_: object) -> None:
            raise ValueError("not allowed to raise maximum limit")

        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        monkeypatch.setattr(resource, "setrlimit", forbidden)
        try:
            assert raise_file_limit(300) == 256
        finally:
            monkeypatch.undo()

    @pytest.mark.parametrize(("limits", "raised"), [((256, resource.RLIM_INFINITY), 300), ((-1, -1), 300)])
    def test_no_limit_is_a_large_one(
        self, monkeypatch: pytest.MonkeyPatch, limits: tuple[int, int], raised: int
    ) -> None:
        told = [limits]
        monkeypatch.setattr(resource, "getrlimit", lambda _: told[-1])
        monkeypatch.setattr(resource, "setrlimit", lambda _, wanted: told.append(wanted))
        assert raise_file_limit(300) == raised
