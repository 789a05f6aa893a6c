from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters_http.local_limits import LocalLimits
from zero2prod_core.domain.limits import Cells, Rate
from zero2prod_core.errors import LimitExceeded
from zero2prod_core.ports.limits import LimitKey

ONE, TWO = LimitKey("request_network", "ab"), LimitKey("request_network", "cd")
TWICE = Rate.parse("2/m")
START = datetime(2026, 1, 1, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limits(clock: Clock) -> LocalLimits:
    return LocalLimits(clock, most=3)


def passes(limits: LocalLimits, key: LimitKey = ONE) -> bool:
    return limits.take([(key, TWICE)]) is None


def test_a_burst_passes_and_then_one_in_each_interval(limits: LocalLimits, clock: Clock) -> None:
    assert [passes(limits) for _ in range(3)] == [True, True, False]
    clock.forward(30)
    assert [passes(limits) for _ in range(2)] == [True, False]


def test_a_refusal_names_the_cell_and_the_wait(limits: LocalLimits, clock: Clock) -> None:
    assert passes(limits)
    assert passes(limits)
    clock.forward(10)
    refusal = limits.take([(ONE, TWICE)])
    assert refusal is not None
    assert (refusal.scope, refusal.subject, refusal.retry_after) == (ONE.scope, ONE.subject, timedelta(seconds=20))


def test_keys_do_not_disturb_one_another(limits: LocalLimits) -> None:
    assert [passes(limits, key) for key in (ONE, ONE, ONE, TWO)] == [True, True, False, True]


def test_looking_takes_nothing(limits: LocalLimits) -> None:
    assert [limits.look([(ONE, TWICE)]) for _ in range(5)] == [None] * 5
    assert [passes(limits) for _ in range(3)] == [True, True, False]
    assert limits.look([(ONE, TWICE)]) is not None


def test_nothing_asked_is_nothing_refused(limits: LocalLimits) -> None:
    assert (limits.take([]), limits.look([]), limits.known([])) == (None, None, None)


def test_what_the_store_refused_is_known_until_it_would_pass_again(limits: LocalLimits, clock: Clock) -> None:
    limits.learn(LimitExceeded(ONE.scope, timedelta(seconds=30), ONE.subject))
    clock.forward(10)
    refusal = limits.known([(TWO, TWICE), (ONE, TWICE)])
    assert refusal is not None
    assert (refusal.subject, refusal.retry_after) == (ONE.subject, timedelta(seconds=20))
    assert limits.known([(TWO, TWICE)]) is None
    clock.forward(20)
    assert limits.known([(ONE, TWICE)]) is None
    assert passes(limits)


def test_of_several_each_gives_one_or_none_does(limits: LocalLimits) -> None:
    once = Rate.parse("1/m")
    assert limits.take([(ONE, once)]) is None
    for asked in ([(ONE, once), (TWO, TWICE)], [(TWO, TWICE), (ONE, once)]):
        refusal = limits.take(asked)
        assert refusal
        assert refusal.subject == ONE.subject
    assert [limits.take([(TWO, TWICE)]) is None for _ in range(3)] == [True, True, False]


def test_a_refusal_without_a_subject_teaches_nothing(limits: LocalLimits) -> None:
    limits.learn(LimitExceeded(ONE.scope, timedelta(seconds=30)))
    assert limits.known([(LimitKey(ONE.scope, ""), TWICE)]) is None


def test_of_too_many_keys_those_are_forgotten_that_nobody_asked_for_lately(limits: LocalLimits) -> None:
    keys = [LimitKey("request_network", f"{number}") for number in range(4)]
    for key in (keys[0], keys[0], keys[1], keys[1], keys[2], keys[0], keys[3]):
        passes(limits, key)
    assert [limits.look([(key, TWICE)]) is None for key in keys] == [False, True, True, True]
    for key in keys:
        limits.learn(LimitExceeded(key.scope, timedelta(hours=1), key.subject))
    assert [limits.known([(key, TWICE)]) is None for key in keys] == [True, False, False, False]


@given(st.lists(st.tuples(st.sampled_from([0, 1, 15, 29.999999, 30, 31, 100]), st.booleans()), max_size=40))
def test_what_the_store_would_let_pass_is_never_known_to_be_refused(steps: list[tuple[float, bool]]) -> None:
    """Several processes take from one cell; this one asks its memory first."""
    clock = Clock()
    limits, tats = LocalLimits(clock), dict[LimitKey, datetime]()
    for seconds, is_ours in steps:
        clock.forward(seconds)
        cells = Cells(tats, clock.now)
        refused = cells.take([(ONE, TWICE)])
        if is_ours:
            assert limits.known([(ONE, TWICE)]) is None or refused
            if refused:
                limits.learn(LimitExceeded(ONE.scope, refused[1], ONE.subject))
                assert limits.known([(ONE, TWICE)])
        tats |= cells.changed


def test_by_itself_it_goes_by_a_clock_of_its_own() -> None:
    limits = LocalLimits()
    daily = Rate.parse("1/d")
    assert limits.take([(ONE, daily)]) is None
    assert limits.take([(ONE, daily)]) is not None
