from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from zero2prod_core.domain.limits import Rate, parse_rate, room, take
from zero2prod_core.errors import Defect, SettingInvalid

START = datetime(2026, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

RATES = st.builds(
    Rate,
    st.sampled_from([1, 2, 3, 5, 6, 7, 100]),
    st.sampled_from([timedelta(seconds=1), timedelta(minutes=10), timedelta(hours=24)]),
)
STEPS = st.lists(st.sampled_from([0, 1, 9, 10, 11, 50, 99, 100, 101, 1000]), max_size=60)
"""Waits in hundredths of a period, drawn from where decisions change."""


def arrivals(rate: Rate, steps: list[int]) -> list[datetime]:
    nows, now = [], START
    for step in steps:
        now += step * rate.period / 100
        nows.append(now)
    return nows


def admitted(rate: Rate, nows: list[datetime]) -> list[datetime]:
    passed, tat = [], None
    for now in nows:
        decision = take(tat, rate, now)
        tat = decision.tat
        if decision.allowed:
            passed.append(now)
    return passed


@pytest.mark.parametrize(
    ("text", "count", "period"),
    [
        ("5/10m", 5, timedelta(minutes=10)),
        ("3/24h", 3, timedelta(hours=24)),
        ("100/s", 100, timedelta(seconds=1)),
        (" 1/366d ", 1, timedelta(days=366)),
        ("1000000/1s", 1_000_000, timedelta(seconds=1)),
    ],
)
def test_rates_are_read(text: str, count: int, period: timedelta) -> None:
    assert parse_rate(text) == Rate(count, period)


@pytest.mark.parametrize("text", ["off", "OFF", " Off "])
def test_off_is_no_rate(text: str) -> None:
    assert parse_rate(text) is None


@pytest.mark.parametrize(
    "text",
    ["", "5", "5/", "0/s", "-1/s", "5/0s", "5/10x", "1.5/s", "5/10 m", "٣/s", "1000001/s", "1/367d", "9" * 10 + "/s"],
)
def test_impossible_rates_name_the_setting_the_value_and_the_form(text: str) -> None:
    with pytest.raises(SettingInvalid) as refused:
        parse_rate(text, "ZERO2PROD_LIMITS_LOGIN")
    assert refused.value.fields["setting"] == "ZERO2PROD_LIMITS_LOGIN"
    assert repr(text) in str(refused.value)


def test_the_emission_interval_is_rounded_up() -> None:
    assert Rate.parse("4/s").emission_interval == timedelta(milliseconds=250)
    assert Rate.parse("6/s").emission_interval == timedelta(microseconds=166_667)
    assert Rate.parse("6/s").burst == timedelta(microseconds=1_000_002)


def test_a_story_of_three_per_hour() -> None:
    rate, tat = Rate.parse("3/h"), None
    for _ in range(3):
        decision = take(tat, rate, START)
        assert decision.allowed
        assert decision.retry_after == timedelta(0)
        tat = decision.tat
    refused = take(tat, rate, START + timedelta(minutes=5))
    assert not refused.allowed
    assert refused.retry_after == timedelta(minutes=15)
    assert take(tat, rate, START + timedelta(minutes=20)).allowed


@given(RATES)
def test_exactly_n_pass_at_once(rate: Rate) -> None:
    assert len(admitted(rate, [START] * (rate.count + 5))) == rate.count


@given(RATES, STEPS)
def test_no_window_admits_more_than_the_burst_and_one_per_interval(rate: Rate, steps: list[int]) -> None:
    passed = admitted(rate, arrivals(rate, steps))
    for first, start in enumerate(passed):
        for last, end in enumerate(passed[first:], first):
            assert last - first + 1 <= rate.count + (end - start) // rate.emission_interval


@given(STEPS)
def test_one_per_period_is_strict(steps: list[int]) -> None:
    rate = Rate.parse("1/10m")
    passed = admitted(rate, arrivals(rate, steps))
    assert all(later - earlier >= rate.period for earlier, later in pairwise(passed))


@given(RATES, STEPS)
def test_a_refusal_consumes_nothing(rate: Rate, steps: list[int]) -> None:
    tat = None
    for now in arrivals(rate, steps):
        decision = take(tat, rate, now)
        assert decision.allowed or decision.tat == tat
        tat = decision.tat


@given(RATES, STEPS)
def test_the_theoretical_arrival_time_never_goes_back(rate: Rate, steps: list[int]) -> None:
    tat = START
    for now in arrivals(rate, steps):
        after = take(tat, rate, now).tat
        assert tat <= after <= now + rate.burst
        tat = after


@given(RATES, st.integers(0, 200), st.integers(1, 100))
@example(Rate(6, timedelta(seconds=1)), 100, 1)
def test_retry_after_is_the_first_instant_at_which_it_passes(rate: Rate, ahead: int, cost: int) -> None:
    cost = min(cost, rate.count)
    tat = START + min(ahead * rate.period / 100, rate.burst)
    decision = take(tat, rate, START, cost)
    if decision.allowed:
        return
    assert take(tat, rate, START + decision.retry_after, cost).allowed
    assert not take(tat, rate, START + decision.retry_after - MICROSECOND, cost).allowed


@given(RATES, STEPS)
def test_room_is_how_many_would_pass(rate: Rate, steps: list[int]) -> None:
    tat = None
    for now in arrivals(rate, steps):
        free = room(tat, rate, now)
        assert free == rate.count or not take(tat, rate, now, free + 1).allowed
        assert free == 0 or take(tat, rate, now, free).allowed
        tat = take(tat, rate, now).tat


@given(RATES, st.integers(1, 100))
def test_a_cost_is_so_many_takes_of_one(rate: Rate, cost: int) -> None:
    cost = min(cost, rate.count)
    tat = None
    for _ in range(cost):
        tat = take(tat, rate, START).tat
    assert take(None, rate, START, cost).tat == tat


def test_a_clock_that_goes_back_gives_nothing_away() -> None:
    rate = Rate.parse("2/m")
    tat = take(None, rate, START, 2).tat
    assert room(tat, rate, START - timedelta(hours=1)) == 0
    assert not take(tat, rate, START - timedelta(hours=1)).allowed


@pytest.mark.parametrize("cost", [0, -1, 4])
def test_a_cost_that_can_never_pass_is_a_defect(cost: int) -> None:
    with pytest.raises(Defect, match="cost"):
        take(None, Rate.parse("3/h"), START, cost)
