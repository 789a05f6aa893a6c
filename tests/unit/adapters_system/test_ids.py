"""Ids that sort by the time of their making (RFC 9562)."""

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from uuid import RFC_4122, UUID

from hypothesis import given
from hypothesis import strategies as st

from adapters_system.ids import COUNTER_BITS, TimeOrderedIds

LATEST = (1 << 48) - 1_000


def moment(made: UUID) -> int:
    return made.int >> 80


def test_an_id_is_of_version_7_and_the_rfc_variant() -> None:
    made = TimeOrderedIds().new()
    assert (made.version, made.variant) == (7, RFC_4122)


def test_an_id_begins_with_the_milliseconds_of_its_making() -> None:
    before = time.time_ns() // 1_000_000
    made = TimeOrderedIds().new()
    assert before <= moment(made) <= time.time_ns() // 1_000_000


@given(st.lists(st.integers(0, LATEST), min_size=2, max_size=50))
def test_ids_ascend_whatever_the_clock_does(readings: list[int]) -> None:
    clock = iter(readings)
    ids = TimeOrderedIds(lambda: next(clock))
    made = [ids.new() for _ in readings]
    assert all(earlier < later for earlier, later in pairwise(made))
    assert all((one.version, one.variant) == (7, RFC_4122) for one in made)
    assert all(moment(one) >= reading for one, reading in zip(made, readings, strict=True))


def test_a_full_counter_borrows_the_next_millisecond() -> None:
    ids = TimeOrderedIds(lambda: 1_000)
    first = ids.new()
    ids._counter = (1 << COUNTER_BITS) - 1
    second = ids.new()
    assert (moment(first), moment(second)) == (1_000, 1_001)


def test_threads_never_make_the_same_id() -> None:
    ids = TimeOrderedIds(lambda: 1_000)
    with ThreadPoolExecutor(8) as pool:
        batches = pool.map(lambda _: [ids.new() for _ in range(500)], range(8))
        made = [one for batch in batches for one in batch]
    counters = {one.int >> 32 for one in made}
    assert len(counters) == len(made) == 4_000
