"""Gathering when callers go away, flights are torn down, or the whole program ends."""

import asyncio
import gc

import pytest

from adapters_system.gathering import Gathering
from tests.support.recording_store import Refused, Store, held, in_tasks, open_store, turn_until
from tests.support.waiting import PATIENCE
from zero2prod_core.errors import CommitUnknown


class TornDown(BaseException):
    """Something that is not an ``Exception``, as SystemExit is not."""


async def test_a_caller_cancelled_before_take_off_is_not_written() -> None:
    store = Store()
    gathering = Gathering(store.flush)
    async with held(store, gathering) as first:
        one, two = in_tasks(gathering, [1, 2])
        await asyncio.sleep(0)
        one.cancel()
    assert list(await asyncio.gather(first, two)) == ["wrote 0", "wrote 2"]
    assert one.cancelled()
    assert store.written == [0, 2]


async def test_a_caller_cancelled_in_flight_does_not_disturb_its_neighbours() -> None:
    store = Store()
    one, two, three = in_tasks(Gathering(store.flush), [1, 2, 3])
    await turn_until(lambda: store.under_way == 1)
    two.cancel()
    store.gate.set()
    assert list(await asyncio.gather(one, three)) == ["wrote 1", "wrote 3"]
    assert two.cancelled()


async def test_when_all_who_waited_have_gone_nothing_more_is_written() -> None:
    store = Store()
    gathering = Gathering(store.flush)
    async with held(store, gathering) as first:
        (one,) = in_tasks(gathering, [1])
        await asyncio.sleep(0)
        one.cancel()
    await first
    await gathering.aclose()
    assert store.tried == [[0]]


@pytest.mark.parametrize("error", [TornDown(), asyncio.CancelledError()], ids=["torn down", "cancelled"])
async def test_a_flight_torn_down_leaves_nobody_hanging(error: BaseException) -> None:
    gate = asyncio.Event()
    passengers: list[int] = []

    async def flush(numbers: list[int]) -> list[str]:
        passengers.extend(numbers)
        await gate.wait()
        if 1 in numbers:
            raise error
        return [f"wrote {n}" for n in numbers]

    gathering = Gathering(flush)
    aboard = in_tasks(gathering, [1, 2])
    await turn_until(lambda: passengers == [1, 2])
    waiting = in_tasks(gathering, [3])
    await asyncio.sleep(0)
    gate.set()
    async with asyncio.timeout(PATIENCE):
        one, two, three = await asyncio.gather(*aboard, *waiting, return_exceptions=True)
    assert (type(one), type(two), three) == (CommitUnknown, CommitUnknown, "wrote 3")
    assert isinstance(one, CommitUnknown)
    assert type(one.__cause__) is type(error)


async def test_a_gathering_flies_again_after_a_flight_was_torn_down() -> None:
    torn = False

    async def flush(numbers: list[int]) -> list[str]:
        nonlocal torn
        if not torn:
            torn = True
            raise TornDown
        return [f"wrote {n}" for n in numbers]

    gathering = Gathering(flush)
    with pytest.raises(CommitUnknown):
        await gathering(1)
    assert await gathering(2) == "wrote 2"


async def test_a_pilot_cancelled_before_its_first_step_leaves_nobody_hanging() -> None:
    before = asyncio.all_tasks()
    (call,) = in_tasks(Gathering(open_store().flush), [1])
    await asyncio.sleep(0)
    (pilot,) = asyncio.all_tasks() - before - {call}
    pilot.cancel()
    async with asyncio.timeout(PATIENCE):
        assert await call == "wrote 1"


def test_a_program_that_ends_in_mid_flight_leaves_no_task_behind() -> None:
    store = Store()
    left: list[asyncio.Task[None]] = []

    async def program() -> None:
        gathering = Gathering(store.flush)
        in_tasks(gathering, [1])
        await turn_until(lambda: store.under_way == 1)
        in_tasks(gathering, [2])
        await asyncio.sleep(0)

    with asyncio.Runner() as runner:
        runner.run(program())
        left = [task for task in asyncio.all_tasks(runner.get_loop()) if not task.cancelling()]
        assert len(left) == 3
    assert all(task.cancelled() for task in left)
    assert store.tried == [[1]]


async def test_an_answer_nobody_waits_for_is_not_reported_as_lost() -> None:
    reported: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    store = Store(bad=frozenset({1}))
    (call,) = in_tasks(Gathering(store.flush), [1])
    await turn_until(lambda: store.under_way == 1)
    store.gate.set()
    await turn_until(lambda: store.under_way == 0)
    call.cancel()
    with pytest.raises((asyncio.CancelledError, Refused)):
        await call
    del call
    gc.collect()
    assert reported == []
