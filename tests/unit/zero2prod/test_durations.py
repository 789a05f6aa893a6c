"""The waits before a mail is tried again, as a setting."""

from datetime import timedelta

import pytest

from zero2prod.durations import MOST_RETRIES, retry_schedule
from zero2prod.settings import Settings
from zero2prod_core.domain.deliveries import GIVE_UP_AFTER, RETRY_SCHEDULE
from zero2prod_core.errors import SettingInvalid

NAME = "ZERO2PROD_DELIVERY_RETRIES"


def test_the_default_is_the_core_s() -> None:
    assert Settings().retries == tuple(RETRY_SCHEDULE)
    assert Settings().delivery.give_up == GIVE_UP_AFTER


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", [30]), (" 5m , 2h ", [300, 7200]), ("90", [90]), ("30d,1.5h", [2_592_000, 5400])]
)
def test_steps_are_durations(text: str, seconds: list[float]) -> None:
    assert retry_schedule(text, NAME) == tuple(timedelta(seconds=each) for each in seconds)


@pytest.mark.parametrize(
    ("text", "step"),
    [("", "''"), ("5m,,2h", "''"), ("soon", "'soon'"), ("29.9s", "'29.9s'"), ("31d", "'31d'"), ("9" * 400, "9")],
)
def test_a_step_that_cannot_be_is_named(text: str, step: str) -> None:
    with pytest.raises(SettingInvalid) as refused:
        retry_schedule(text, NAME)
    assert str(refused.value).startswith(f"{NAME}: cannot have the step ")
    assert step in str(refused.value)
    assert str(refused.value).endswith("Give waits of 30s to 30d, such as 5m,20m,45m,2h,3h.")


def test_a_schedule_ends_somewhere() -> None:
    with pytest.raises(SettingInvalid, match="Give at most 50; the last one repeats"):
        retry_schedule(",".join(["5m"] * (MOST_RETRIES + 1)), NAME)
