import hashlib
from datetime import timedelta

import attrs
import pytest
from hypothesis import given
from hypothesis.strategies import binary, text

from zero2prod.testing.builders import T0, new_id
from zero2prod_core.domain.sessions import ABSOLUTE, ID_BYTES, IDLE, TOUCHED_EVERY, SessionId, new_session

TICK = timedelta(microseconds=1)


@given(binary(min_size=ID_BYTES, max_size=ID_BYTES))
def test_a_cookies_value_is_read_back(secret: bytes) -> None:
    made = SessionId(secret)
    assert SessionId.read(made.text) == made
    assert made.hash == hashlib.sha256(secret).digest()
    assert made.text.isascii()
    assert len(made.text) == 43


@given(text() | binary().map(bytes.hex))
def test_any_other_text_is_no_session(cookie: str) -> None:
    read = SessionId.read(cookie)
    assert read is None or len(read.secret) == ID_BYTES


@pytest.mark.parametrize("cookie", ["", "=", "A" * 42, "A" * 44, "A" * 43 + "=", "é" * 43, "A" * 42 + "!"])
def test_what_has_another_length_or_alphabet_is_none(cookie: str) -> None:
    assert SessionId.read(cookie) is None


def test_an_id_does_not_show_its_secret() -> None:
    assert repr(SessionId(bytes(ID_BYTES))) == "SessionId()"


def test_a_session_ends_exactly_when_it_has_been_idle_long_enough() -> None:
    session = new_session(SessionId(bytes(ID_BYTES)), new_id(), T0)
    assert session.alive(T0 + IDLE - TICK)
    assert not session.alive(T0 + IDLE)


def test_a_busy_session_ends_exactly_at_its_absolute_time() -> None:
    session = new_session(SessionId(bytes(ID_BYTES)), new_id(), T0)
    busy = attrs.evolve(session, seen_at=T0 + ABSOLUTE - TICK)
    assert busy.alive(T0 + ABSOLUTE - TICK)
    assert not busy.alive(T0 + ABSOLUTE)


def test_a_use_is_due_to_be_noted_after_a_minute() -> None:
    session = new_session(SessionId(bytes(ID_BYTES)), new_id(), T0)
    assert not session.due_for_touch(T0 + TOUCHED_EVERY - TICK)
    assert session.due_for_touch(T0 + TOUCHED_EVERY)
