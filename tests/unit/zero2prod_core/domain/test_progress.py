"""How far, how fast, how long still."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zero2prod_core.domain.deliveries import DeliveryState
from zero2prod_core.domain.progress import (
    LONGEST_WAIT,
    WINDOW,
    Speedometer,
    Standing,
    rate_in_words,
    remaining,
    rest_after,
    time_in_words,
)


def seen(*looks: tuple[float, int]) -> Speedometer:
    speedometer = Speedometer()
    for at, tried in looks:
        speedometer = speedometer.seen(at, tried)
    return speedometer


def test_every_state_counts_once() -> None:
    standing = Standing.of(dict.fromkeys(DeliveryState, 1))
    assert (standing.total, standing.left, standing.done, standing.tried) == (9, 4, 5, 3)


@pytest.mark.parametrize(("total", "left", "percent"), [(0, 0, 100), (3, 3, 0), (3, 1, 66), (1000, 1, 99), (7, 0, 100)])
def test_a_hundred_per_cent_is_all(total: int, left: int, percent: int) -> None:
    assert Standing(total, left, 0).percent == percent


@pytest.mark.parametrize(
    ("looks", "rate"),
    [
        ([], None),
        ([(5.0, 10)], None),
        ([(5.0, 10), (5.0, 20)], None),
        ([(0.0, 0), (10.0, 50)], 5.0),
        ([(0.0, 0), (10.0, 50), (20.0, 50)], 2.5),
        ([(0.0, 9), (10.0, 9)], 0.0),
        ([(0.0, 0), (600.0, 60)], 0.1),
    ],
)
def test_a_rate_is_mails_by_seconds(looks: Sequence[tuple[float, int]], rate: float | None) -> None:
    assert seen(*looks).rate == rate


def test_what_is_long_ago_counts_no_more() -> None:
    fast_then_slow = seen((0.0, 0), (1.0, 1000), *((float(at), 1000 + at) for at in range(2, 100)))
    assert fast_then_slow.rate == pytest.approx(1.0)


def test_mails_that_are_sent_again_begin_a_new_series() -> None:
    speedometer = seen((0.0, 0), (10.0, 100), (20.0, 40))
    assert speedometer.rate is None
    assert speedometer.seen(30.0, 50).rate == 1.0


def test_a_pause_is_no_part_of_the_rate() -> None:
    speedometer = seen((0.0, 0), (10.0, 1000)).seen(11.0, 1000, sending=False)
    assert speedometer.rate is None
    assert speedometer.seen(12.0, 1000).seen(13.0, 1100).rate == 100.0


def test_after_an_outage_the_rate_begins_anew() -> None:
    speedometer = seen((0.0, 0), (5.0, 500), (10.0, 500), (16.0, 500))
    again = speedometer.seen(17.0, 550)
    assert again.rate is None
    assert again.seen(18.0, 650).rate == 100.0


def test_after_one_that_filled_the_window_too() -> None:
    looks = [(float(at), 500) for at in range(0, 60, 5)]
    assert seen(*looks).rate == 0.0
    assert seen(*looks, (60.0, 600), (61.0, 700)).rate == 100.0


def test_an_issue_that_goes_slowly_has_not_stood_still() -> None:
    assert seen((0.0, 0), (5.0, 1), (17.0, 1), (20.0, 2)).rate == pytest.approx(0.1)


@pytest.mark.parametrize(("took", "rest"), [(0.0, 1.0), (0.1, 1.0), (1.0, 9.0), (3.0, 27.0)])
def test_looking_takes_a_tenth_of_the_time_at_most(took: float, rest: float) -> None:
    assert rest_after(took) == pytest.approx(rest)


@given(st.lists(st.tuples(st.floats(0, 10), st.integers(0, 1000)), max_size=200))
def test_only_the_window_and_one_look_before_it_are_kept(steps: Sequence[tuple[float, int]]) -> None:
    speedometer, at, tried = Speedometer(), 0.0, 0
    for wait, more in steps:
        at, tried = at + wait, tried + more
        speedometer = speedometer.seen(at, tried)
        assert speedometer.rate is None or speedometer.rate >= 0
    assert sum(sample.at < at - WINDOW for sample in speedometer.samples) <= 1


@pytest.mark.parametrize(
    ("left", "rate", "time"),
    [
        (0, None, timedelta(0)),
        (0, 5.0, timedelta(0)),
        (10, None, None),
        (10, 0.0, None),
        (10, 5.0, timedelta(seconds=2)),
        (10, 10 / (LONGEST_WAIT.total_seconds() + 1), None),
    ],
)
def test_the_time_left_is_told_where_somebody_can_say(left: int, rate: float | None, time: timedelta | None) -> None:
    assert remaining(left, rate) == time


@pytest.mark.parametrize(
    ("rate", "words"),
    [
        (None, ""),
        (0.0, "0 mails/s"),
        (0.05, "3.0 mails/min"),
        (2.5, "2.5 mails/s"),
        (12.4, "12 mails/s"),
        (5123.0, "5,123 mails/s"),
    ],
)
def test_a_rate_has_a_unit_that_fits(rate: float | None, words: str) -> None:
    assert rate_in_words(rate) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, ""),
        (0, "0 s"),
        (59.6, "1 min"),
        (61, "1 min 1 s"),
        (3600, "1 h"),
        (3723, "1 h 2 min"),
        (90_061, "1 d 1 h"),
        (86_461, "1 d"),
    ],
)
def test_a_time_is_told_in_two_units(seconds: float | None, words: str) -> None:
    assert time_in_words(None if seconds is None else timedelta(seconds=seconds)) == words
