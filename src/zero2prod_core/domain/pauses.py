"""Pauses: no issues until a day, and then again, without anybody having to remember it."""

import re
from datetime import UTC, date, datetime, time, timedelta

from zero2prod_core.domain.instants import Instant
from zero2prod_core.errors import FieldInvalid, FieldMissing

LONGEST_PAUSE = timedelta(days=366)
"""A year, leap or not: who wants none for longer than that has forgotten the newsletter when it comes back."""

DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
"""As a form's date field sends it (HTML, "valid date string"); Python reads other forms of ISO 8601 as well."""


def parse_day(raw: str, field: str = "until") -> date:
    """The day that a form's date field holds.

    Raises:
        FieldMissing, FieldInvalid: there is none, or no such day.
    """
    text = raw.strip()
    if not text:
        raise FieldMissing(field)
    try:
        if DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise FieldInvalid(field, "must be a day", "Write it like 2027-01-31")


def pause_until(day: date, now: Instant, field: str = "until") -> Instant:
    """When a pause ends whose first day with issues is ``day``: as it begins, in UTC.

    Raises:
        FieldInvalid: the day has begun, or is more than a year away.
    """
    end = datetime.combine(day, time(), UTC)
    if end <= now:
        raise FieldInvalid(field, "must be a day to come", "Choose a later one")
    if end > now + LONGEST_PAUSE:
        raise FieldInvalid(field, "must be at most a year away", "Choose an earlier one, or unsubscribe")
    return end
