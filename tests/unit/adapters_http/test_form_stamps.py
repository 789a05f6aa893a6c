"""What gives a program away that fills in the hosted form."""

import pytest

from adapters_http.form_stamps import FormStamps
from adapters_http.forms import Form
from tests.support.doors import StandingClock
from zero2prod.testing.builders import KEYS

DAY = 24 * 60 * 60


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def stamps(clock: StandingClock) -> FormStamps:
    return FormStamps(KEYS, clock)


def form(shown: str | None, message: str = "") -> Form:
    fields = {"name": [b"Ada"], "message": [message.encode()]}
    return Form(fields if shown is None else {**fields, "shown": [shown.encode()]})


@pytest.mark.parametrize(("seconds", "doubtful"), [(0, True), (1.9, True), (2, False), (DAY, False), (DAY + 1, True)])
def test_a_person_takes_longer_than_two_seconds_and_less_than_a_day(
    stamps: FormStamps, clock: StandingClock, seconds: float, doubtful: bool
) -> None:
    filled_in = form(stamps.of(Form({})))
    clock.forward(seconds)
    assert stamps.doubts(filled_in) is doubtful


@pytest.mark.parametrize(("message", "doubtful"), [("", False), ("  ", False), ("Buy!", True), ("\ufffd", True)])
def test_what_nobody_sees_nobody_fills_in(
    stamps: FormStamps, clock: StandingClock, message: str, doubtful: bool
) -> None:
    filled_in = form(stamps.of(Form({})), message)
    clock.forward(60)
    assert stamps.doubts(filled_in) is doubtful


@pytest.mark.parametrize("shown", ["", "A" * 32, "x" * 5000])
def test_a_stamp_that_is_not_ours_is_doubtful(stamps: FormStamps, shown: str) -> None:
    assert stamps.doubts(form(shown))


def test_without_our_field_nothing_is_looked_at(stamps: FormStamps) -> None:
    assert not stamps.doubts(form(None, "a field of somebody else's form"))


def test_a_form_that_is_shown_again_goes_on_from_when_it_was_shown_first(
    stamps: FormStamps, clock: StandingClock
) -> None:
    first = stamps.of(Form({}))
    clock.forward(60)
    assert stamps.of(form(first)) == first
    clock.forward(DAY)
    assert stamps.of(form(first)) != first
    assert stamps.of(form("forged")) != "forged"
