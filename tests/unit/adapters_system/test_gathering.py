"""Gathering: concurrent requests written together, each caller with its own answer."""

import asyncio
import contextvars
from collections.abc import Awaitable

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters_system.gathering import Gathering
from tests.support.recording_store import Refused, Store, held, in_tasks, open_store, turn_until
from tests.support.waiting import PATIENCE
from zero2prod_core.errors import CommitUnknown, Defect, StoreUnavailable, Unavailable


async def test_a_lone_request_flies_at_once_and_alone() -> None:
    store = open_store()
    gathering = Gathering(store.flush)
    assert await gathering(7) == "wrote 7"
    assert await gathering(8) == "wrote 8"
    assert store.tried == [[7], [8]]


async def test_requests_of_one_turn_fly_together_in_order() -> None:
    store = open_store()
    answers = await asyncio.gather(*in_tasks(Gathering(store.flush), [3, 1, 2]))
    assert answers == ["wrote 3", "wrote 1", "wrote 2"]
    assert store.tried == [[3, 1, 2]]


async def test_the_next_flight_gathers_while_the_first_commits() -> None:
    store = Store()
    gathering = Gathering(store.flush)
    async with held(store, gathering) as first:
        others = []
        for number in (1, 2, 3):
            others += in_tasks(gathering, [number])
            await asyncio.sleep(0)
    assert await asyncio.gather(first, *others) == ["wrote 0", "wrote 1", "wrote 2", "wrote 3"]
    assert store.tried == [[0], [1, 2, 3]]


async def test_a_flight_takes_no_more_than_most() -> None:
    store = open_store()
    await asyncio.gather(*in_tasks(Gathering(store.flush, most=2), [1, 2, 3, 4, 5]))
    assert store.tried == [[1, 2], [3, 4], [5]]


async def test_as_many_flights_as_allowed_are_under_way_at_once() -> None:
    store = Store()
    gathering = Gathering(store.flush, most=1, flights=2)
    calls = in_tasks(gathering, [1, 2, 3, 4])
    await turn_until(lambda: store.under_way == 2)
    store.gate.set()
    assert await asyncio.gather(*calls) == [f"wrote {n}" for n in (1, 2, 3, 4)]
    assert store.most_under_way == 2


async def test_only_the_bad_item_fails_and_the_rest_is_written_once() -> None:
    store = open_store(bad={5})
    answers = await asyncio.gather(*in_tasks(Gathering(store.flush), list(range(8))), return_exceptions=True)
    assert [n for n, answer in enumerate(answers) if isinstance(answer, Refused)] == [5]
    assert store.written == [0, 1, 2, 3, 4, 6, 7]


async def test_a_result_that_is_an_error_is_raised_for_its_caller_alone() -> None:
    store = open_store(odd={2})
    one, two, three = await asyncio.gather(*in_tasks(Gathering(store.flush), [1, 2, 3]), return_exceptions=True)
    assert (one, three) == ("wrote 1", "wrote 3")
    assert isinstance(two, Refused)
    assert store.tried == [[1, 2, 3]]


@pytest.mark.parametrize("error", [StoreUnavailable(), CommitUnknown()], ids=["away", "unknown"])
async def test_a_store_that_is_away_is_everyones_answer_and_is_not_asked_again(error: Unavailable) -> None:
    asked: list[list[int]] = []

    async def flush(numbers: list[int]) -> list[str]:
        asked.append(numbers)
        raise error

    answers = await asyncio.gather(*in_tasks(Gathering(flush), [1, 2, 3, 4]), return_exceptions=True)
    assert all(answer is error for answer in answers)
    assert asked == [[1, 2, 3, 4]]


async def test_a_store_that_goes_away_during_the_split_is_the_answer_of_all_who_have_none() -> None:
    async def flush(numbers: list[int]) -> list[str]:
        if len(numbers) == 4:
            raise Refused
        if 3 in numbers:
            raise StoreUnavailable
        return [f"wrote {n}" for n in numbers]

    answers = await asyncio.gather(*in_tasks(Gathering(flush), [1, 2, 3, 4]), return_exceptions=True)
    assert answers[:2] == ["wrote 1", "wrote 2"]
    assert [type(answer) for answer in answers[2:]] == [StoreUnavailable, StoreUnavailable]


async def test_the_traceback_of_a_shared_error_does_not_grow_from_caller_to_caller() -> None:
    async def flush(numbers: list[int]) -> list[str]:
        raise StoreUnavailable

    lengths = []
    for call in in_tasks(Gathering(flush), [1, 2, 3]):
        with pytest.raises(StoreUnavailable) as caught:
            await call
        lengths.append(len(caught.traceback))
    assert len(set(lengths)) == 1


async def test_closing_waits_for_those_in_the_air_and_those_who_wait() -> None:
    store = Store()
    gathering = Gathering(store.flush, most=1)
    calls = in_tasks(gathering, [1, 2, 3])
    await turn_until(lambda: store.under_way == 1)
    closing = asyncio.create_task(gathering.aclose())
    await asyncio.sleep(0)
    assert not closing.done()
    store.gate.set()
    await closing
    assert [call.result() for call in calls] == ["wrote 1", "wrote 2", "wrote 3"]


async def test_a_closed_gathering_refuses_and_may_be_closed_again() -> None:
    gathering = Gathering(open_store().flush)
    await gathering.aclose()
    await gathering.aclose()
    with pytest.raises(Defect, match="closed"):
        await gathering(1)


@pytest.mark.parametrize("limits", [{"most": 0}, {"flights": 0}], ids=["most", "flights"])
def test_impossible_limits_are_a_defect(limits: dict[str, int]) -> None:
    with pytest.raises(Defect, match="most ≥ 1"):
        Gathering(open_store().flush, **limits)


async def test_a_flush_that_answers_too_few_is_a_defect_for_all_and_is_not_repeated() -> None:
    asked: list[list[int]] = []

    async def flush(numbers: list[int]) -> list[str]:
        asked.append(numbers)
        return ["only one"]

    answers = await asyncio.gather(*in_tasks(Gathering(flush), [1, 2, 3]), return_exceptions=True)
    assert [type(answer) for answer in answers] == [Defect, Defect, Defect]
    assert asked == [[1, 2, 3]]


async def test_someone_who_comes_as_the_last_flight_lands_is_written_too() -> None:
    gathering: Gathering[int, str]
    late: list[Awaitable[str]] = []

    async def flush(numbers: list[int]) -> list[str]:
        if numbers == [1]:  # the call below is made after the pilot's last look, before its callbacks run
            loop = asyncio.get_running_loop()
            loop.call_soon(lambda: late.extend(in_tasks(gathering, [2])))
        return [f"wrote {n}" for n in numbers]

    gathering = Gathering(flush)
    assert await gathering(1) == "wrote 1"
    await turn_until(lambda: bool(late))
    async with asyncio.timeout(PATIENCE):
        assert await late[0] == "wrote 2"


async def test_a_flight_does_not_carry_the_context_of_the_caller_that_began_it() -> None:
    request_id = contextvars.ContextVar("request_id", default="none")
    seen: list[str] = []

    async def flush(numbers: list[int]) -> list[str]:
        seen.append(request_id.get())
        return [""] * len(numbers)

    gathering = Gathering(flush)
    request_id.set("the first caller's")
    await gathering(1)
    assert seen == ["none"]


@attrs.frozen
class Visit:
    """One caller of a programme: when it comes, counted in turns of the loop, and whether it goes away at once."""

    turn: int
    leaves: bool


visits = st.lists(
    st.builds(Visit, st.sampled_from([0, 0, 0, 1, 2, 5]), st.sampled_from([False] * 5 + [True])), max_size=40
)
some_numbers = st.frozensets(st.integers(0, 39), max_size=12)


@given(programme=visits, bad=some_numbers, odd=some_numbers, most=st.integers(1, 9), flights=st.integers(1, 3))
async def test_everyone_gets_their_own_answer_whatever_happens(
    programme: list[Visit], bad: frozenset[int], odd: frozenset[int], most: int, flights: int
) -> None:
    store = Store(bad=bad, odd=odd)
    store.gate.set()
    gathering = Gathering(store.flush, most=most, flights=flights)

    async def visit(number: int, when: Visit) -> str:
        for _ in range(when.turn):
            await asyncio.sleep(0)
        return await gathering(number)

    calls = [asyncio.create_task(visit(number, when)) for number, when in enumerate(programme)]
    await asyncio.sleep(0)
    for call, when in zip(calls, programme, strict=True):
        if when.leaves:
            call.cancel()
    async with asyncio.timeout(PATIENCE):
        answers = await asyncio.gather(*calls, return_exceptions=True)
        await gathering.aclose()

    for number, (answer, when) in enumerate(zip(answers, programme, strict=True)):
        if when.leaves:
            assert isinstance(answer, asyncio.CancelledError)
        elif number in bad:
            assert str(answer).startswith("refused")
        else:
            assert str(answer) == (f"odd {number}" if number in odd else f"wrote {number}")
    stayed = {number for number, when in enumerate(programme) if not when.leaves}
    assert len(store.written) == len(set(store.written))
    assert stayed - bad <= set(store.written) <= set(range(len(programme))) - bad
    assert all(1 <= len(flight) <= most for flight in store.tried)
    assert store.most_under_way <= flights


@given(size=st.integers(1, 64), culprit=st.integers(0, 63))
async def test_finding_one_culprit_costs_two_writes_for_each_halving(size: int, culprit: int) -> None:
    store = open_store(bad={culprit})
    await asyncio.gather(*in_tasks(Gathering(store.flush), list(range(size))), return_exceptions=True)
    halvings = (size - 1).bit_length()
    assert len(store.tried) <= 1 + 2 * halvings
    assert sorted(store.written) == [n for n in range(size) if n != culprit]
