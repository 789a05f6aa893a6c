from datetime import UTC, datetime, timedelta
from itertools import pairwise

import attrs
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.limits import (
    HORIZON,
    NO_LIMITS,
    UNLIMITED,
    Cells,
    DomainRates,
    Limits,
    Rate,
    capped,
    delay_after,
    parse_rate,
    queue_up,
    room,
    take,
    take_some,
)
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


@pytest.mark.parametrize("text", ["5/10m", "3/d", "100/s", "1/90s", "7/36h", "20/366d", "600/m", "1/61s"])
def test_rates_are_written_as_they_are_read(text: str) -> None:
    assert Rate.parse(text).text == text


@given(st.integers(1, 10**6), st.integers(1, 366 * 86_400))
def test_what_is_written_is_read_as_the_same(count: int, seconds: int) -> None:
    rate = Rate(count, timedelta(seconds=seconds))
    assume(seconds <= 99_999 or not seconds % 3600)
    assume(count <= seconds * 10**6)
    assert Rate.parse(rate.text) == rate


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


@given(RATES, STEPS, st.integers(0, 250))
def test_some_are_so_many_takes_of_one_as_there_is_room_for(rate: Rate, steps: list[int], wanted: int) -> None:
    tat = None
    for now in arrivals(rate, steps):
        taken, after = take_some(tat, rate, now, wanted)
        assert taken == min(wanted, room(tat, rate, now))
        for _ in range(taken):
            tat = take(tat, rate, now).tat
        assert after == (now if tat is None else max(tat, now))


@given(RATES, RATES, STEPS)
def test_what_was_taken_at_another_rate_is_at_the_most_a_cell_that_is_used_up(
    old: Rate, new: Rate, steps: list[int]
) -> None:
    tat, now = take(None, old, START, old.count).tat, START
    for now in arrivals(old, steps):
        tat = capped(tat, new, now)
        assert take(tat, new, now + new.emission_interval).allowed
        assert capped(tat, new, now) == tat
    assert capped(now + new.burst, new, now) == now + new.burst
    assert capped(now, new, now) == now


@given(RATES, st.none() | st.integers(-100, 300), st.integers(1, 200))
def test_places_are_even_and_stand_behind_those_that_are_given_out(rate: Rate, ahead: int | None, count: int) -> None:
    end = None if ahead is None else START + ahead * rate.period / 100
    start = max(end or START, START)
    places = queue_up(end, rate, START, count)
    assert all(later - earlier == rate.emission_interval for earlier, later in pairwise([start, *places]))


@given(RATES, st.none() | st.integers(-100, 300), st.integers(1, 200))
def test_places_are_given_out_up_to_the_horizon_and_all_that_there_are(
    rate: Rate, ahead: int | None, count: int
) -> None:
    end = None if ahead is None else START + ahead * rate.period / 100
    places = queue_up(end, rate, START, count)
    assert all(place <= START + HORIZON for place in places)
    following = max(end or START, START, *places) + rate.emission_interval
    assert len(places) == count or following > START + HORIZON


def passed_in_turn(rate: Rate, batches: list[tuple[int, int]]) -> list[datetime]:
    """The times at which mails pass that come in batches (a wait in hundredths of a period, how many) and queue up, or
    ask again at the horizon, where there is no room; and each of them passes.
    """
    tat, end, passed, now = None, None, list[datetime](), START
    waiting, coming = list[datetime](), list[datetime]()
    for step, count in batches:
        now += step * rate.period / 100
        coming += [now] * count
    while waiting or coming:
        now = min([*waiting, *coming])
        due = [place for place in [*waiting, *coming] if place <= now]
        waiting, coming = [place for place in waiting if place > now], [place for place in coming if place > now]
        taken, tat = take_some(tat, rate, now, len(due))
        passed += [now] * taken
        late = len(due) - taken
        places = queue_up(end, rate, now, late)
        end = max([end or now, *places])
        assert end <= now + HORIZON
        waiting += [*places, *([now + HORIZON] * (late - len(places)))]
    return passed


# At a day's rate hundreds of mails would ask again for a year.
QUICK_RATES = RATES.filter(lambda rate: rate.period < timedelta(hours=1))
BATCHES = st.lists(st.tuples(st.sampled_from([0, 1, 10, 50, 100, 101]), st.integers(0, 12)), max_size=12)


@given(QUICK_RATES, BATCHES)
def test_mails_that_queue_up_never_exceed_the_rate_over_any_window(rate: Rate, batches: list[tuple[int, int]]) -> None:
    passed = passed_in_turn(rate, batches)
    assert len(passed) == sum(count for _, count in batches)
    for first, start in enumerate(passed):
        for last, end in enumerate(passed[first:], first):
            assert last - first + 1 <= rate.count + (end - start) // rate.emission_interval


@given(RATES, st.integers(1, 400))
def test_what_comes_at_once_is_put_off_once_to_the_very_moment_of_its_turn(rate: Rate, count: int) -> None:
    taken, tat = take_some(None, rate, START, count)
    for place in queue_up(None, rate, START, count - taken) if count > taken else ():
        passes, tat = take_some(tat, rate, place, 1)
        assert passes == 1


class TestRatesOfDomains:
    def test_one_rate_holds_for_all(self) -> None:
        rates = DomainRates.parse("20/s", "ZERO2PROD_X")
        assert rates.of("example.com") == rates.of("example.org") == Rate.parse("20/s")

    def test_a_domain_may_have_its_own_or_none(self) -> None:
        rates = DomainRates.parse(" 20/s, Example.COM = 2/s,example.org=off, ", "ZERO2PROD_X")
        assert rates.of("example.com") == Rate.parse("2/s")
        assert rates.of("example.org") is None
        assert rates.of("example.net") == Rate.parse("20/s")

    @pytest.mark.parametrize("text", ["off", "", "example.com=off"])
    def test_off_is_no_limit(self, text: str) -> None:
        assert DomainRates.parse(text, "ZERO2PROD_X").of("example.com") is None
        assert UNLIMITED.of("example.com") is None

    @pytest.mark.parametrize(
        ("text", "whom"),
        [("1/s, 2/s", "all domains"), ("a.example=1/s, A.example=2/s", "a.example"), ("off, =1/s", "all domains")],
    )
    def test_what_is_said_twice_is_refused(self, text: str, whom: str) -> None:
        with pytest.raises(SettingInvalid, match=f"says twice what holds for {whom}") as refused:
            DomainRates.parse(text, "ZERO2PROD_X")
        assert refused.value.fields["setting"] == "ZERO2PROD_X"

    @pytest.mark.parametrize("typed", ["münchen.de", "MÜNCHEN.DE", "xn--mnchen-3ya.de"])
    def test_a_domain_is_kept_as_e_mail_addresses_keep_theirs(self, typed: str) -> None:
        kept = EmailAddress.parse("a@münchen.de").domain
        assert DomainRates.parse(f"{typed}=1/h", "ZERO2PROD_X").of(kept) == Rate.parse("1/h")

    @pytest.mark.parametrize("name", ["*.example.com", "a@b", "com", "a..example", "localhost", "x" * 999])
    def test_a_domain_that_no_mail_goes_to_is_refused(self, name: str) -> None:
        with pytest.raises(SettingInvalid, match=r"^ZERO2PROD_X: has a rate for '.{1,100}', but each must .+\. .+\.$"):
            DomainRates.parse(f"1/s, {name}=2/s", "ZERO2PROD_X")

    @pytest.mark.parametrize("text", ["often", "example.com", "example.com=", "example.com=often", "1/s; 2/s"])
    def test_what_is_no_rate_is_refused(self, text: str) -> None:
        with pytest.raises(SettingInvalid, match="ZERO2PROD_X"):
            DomainRates.parse(text, "ZERO2PROD_X")


class TestCells:
    def test_one_is_taken_from_each_or_from_none(self) -> None:
        once, twice = Rate.parse("1/m"), Rate.parse("2/m")
        cells: Cells[str] = Cells({}, START)
        assert cells.take([("a", once), ("b", twice)]) is None
        assert cells.take([("a", once), ("b", twice)]) == ("a", timedelta(minutes=1))
        assert cells.changed == {"a": START + timedelta(minutes=1), "b": START + timedelta(seconds=30)}
        assert cells.take([("b", twice)]) is None

    def test_of_several_refusals_the_longest_is_told(self) -> None:
        asked = [("a", Rate.parse("1/m")), ("b", Rate.parse("1/h")), ("c", Rate.parse("1/s"))]
        cells: Cells[str] = Cells({}, START)
        cells.take(asked)
        assert cells.take(asked) == ("b", timedelta(hours=1))

    @given(RATES, STEPS)
    def test_what_is_given_back_was_never_taken(self, rate: Rate, steps: list[int]) -> None:
        with_it: dict[str, datetime] = {}
        without: dict[str, datetime] = {}
        for now in arrivals(rate, steps):
            first, second = Cells(with_it, now), Cells(without, now)
            for cells in (first, second):
                assert cells.used("a", rate) == rate.count - room(with_it.get("a"), rate, now)
            if first.take([("a", rate)]) is None:
                first.give_back([("a", rate)])
            assert first.used("a", rate) == second.used("a", rate)
            assert (first.take([("a", rate)]) is None) == (second.take([("a", rate)]) is None)
            with_it |= first.changed
            without |= second.changed

    def test_more_than_full_it_never_is(self) -> None:
        rate = Rate.parse("2/m")
        cells: Cells[str] = Cells({}, START)
        cells.give_back([("a", rate)])
        assert [cells.take([("a", rate)]) is None for _ in range(3)] == [True, True, False]

    def test_what_was_used_comes_back_with_time(self) -> None:
        rate = Rate.parse("10/10m")
        cells: Cells[str] = Cells({"a": START + timedelta(minutes=3)}, START)
        assert cells.used("a", rate) == 3
        assert Cells({"a": START + timedelta(minutes=3)}, START + timedelta(minutes=1)).used("a", rate) == 2
        assert cells.used("b", rate) == 0


def test_failures_wait_longer_and_longer_up_to_four_seconds() -> None:
    waits = [delay_after(tries).total_seconds() for tries in (0, 1, 2, 3, 4, 5, 6, 7, 1000)]
    assert waits == [0, 0, 0, 0.5, 1, 2, 4, 4, 4]


def test_by_default_everything_is_limited_and_it_can_be_switched_off() -> None:
    assert None not in attrs.astuple(Limits(), recurse=False)
    assert set(attrs.astuple(NO_LIMITS)) == {None}
