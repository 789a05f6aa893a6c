"""Moments that only we can have signed."""

from datetime import UTC, datetime

import pytest

from zero2prod_core.domain.keys import Key, KeyRing
from zero2prod_core.domain.stamps import LENGTH, read_stamp, stamp

OLD, NEW = Key("old", b"o" * 32), Key("new", b"n" * 32)
RING = KeyRing((NEW, OLD))
NOON = datetime(2026, 11, 22, 12, 0, 0, 123_000, tzinfo=UTC)


@pytest.mark.parametrize("key", [OLD, NEW])
def test_a_stamp_says_when_it_was_made_under_every_listed_key(key: Key) -> None:
    text = stamp(key, "form", NOON, b"bound")
    assert len(text) == LENGTH
    assert read_stamp(RING, "form", text, b"bound") == NOON


def test_a_retired_key_s_stamps_are_nobody_s() -> None:
    assert read_stamp(KeyRing((NEW,)), "form", stamp(OLD, "form", NOON)) is None


@pytest.mark.parametrize(("purpose", "bound"), [("other", b"bound"), ("form", b"other"), ("form", b"")])
def test_it_counts_for_one_purpose_and_what_it_is_bound_to(purpose: str, bound: bytes) -> None:
    assert read_stamp(RING, purpose, stamp(NEW, "form", NOON, b"bound"), bound) is None


def test_every_character_of_it_counts() -> None:
    text = stamp(NEW, "form", NOON)
    for place, character in enumerate(text):
        other = "A" if character != "A" else "B"
        assert read_stamp(RING, "form", text[:place] + other + text[place + 1 :]) is None


@pytest.mark.parametrize("text", ["", "A" * 31, "A" * 33, "A" * 32, "é" * 32, "!" * 32, "\ud800" * 32, "A" * 30 + "=="])
def test_what_is_no_stamp_is_refused_calmly(text: str) -> None:
    assert read_stamp(RING, "form", text) is None
