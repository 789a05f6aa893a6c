from datetime import timedelta

import pytest

from zero2prod_core.domain.durations import spoken


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(milliseconds=999), "less than a second"),
        (timedelta(seconds=1), "1 second"),
        (timedelta(seconds=90), "90 seconds"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(minutes=119), "119 minutes"),
        (timedelta(hours=1), "1 hour"),
        (timedelta(hours=2, seconds=59), "2 hours"),
        (timedelta(hours=25), "25 hours"),
        (timedelta(days=1), "1 day"),
        (timedelta(days=14), "14 days"),
    ],
)
def test_durations_are_said_as_a_reader_would(span: timedelta, words: str) -> None:
    assert spoken(span) == words
