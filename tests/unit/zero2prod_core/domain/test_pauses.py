from datetime import UTC, date, datetime, timedelta

import pytest

from zero2prod_core.domain.pauses import LONGEST_PAUSE, parse_day, pause_until
from zero2prod_core.errors import FieldInvalid, FieldMissing

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_a_day_is_read_as_a_form_sends_it() -> None:
    assert parse_day(" 2028-02-29 ") == date(2028, 2, 29)


@pytest.mark.parametrize(
    "raw", ["20270131", "2027-W04-7", "2027-02-30", "31.1.2027", "2027-01-31T00:00", "２０２７-01-31"]
)
def test_what_is_no_day_is_refused(raw: str) -> None:
    with pytest.raises(FieldInvalid) as refused:
        parse_day(raw)
    assert refused.value.fields["field"] == "until"


@pytest.mark.parametrize("raw", ["", "  "])
def test_a_day_may_be_missing(raw: str) -> None:
    with pytest.raises(FieldMissing):
        parse_day(raw, "day")


def test_a_pause_ends_as_its_day_begins() -> None:
    assert pause_until(date(2026, 11, 23), NOON) == datetime(2026, 11, 23, tzinfo=UTC)


def test_the_longest_pause_is_a_year() -> None:
    last = (NOON + LONGEST_PAUSE).date()
    assert pause_until(last, NOON) <= NOON + LONGEST_PAUSE
    with pytest.raises(FieldInvalid, match="year"):
        pause_until(last + timedelta(days=1), NOON)


@pytest.mark.parametrize("day", [date(2026, 11, 22), date(1, 1, 1)])
def test_a_day_that_has_begun_is_no_end(day: date) -> None:
    with pytest.raises(FieldInvalid, match="to come"):
        pause_until(day, NOON)


def test_the_last_day_of_all_is_refused_like_any_that_is_too_far() -> None:
    with pytest.raises(FieldInvalid, match="year"):
        pause_until(date.max, NOON)
