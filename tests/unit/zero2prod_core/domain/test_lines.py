"""One line of visible text."""

import pytest
from hypothesis import given
from hypothesis.strategies import text

from zero2prod_core.domain.lines import UNPRINTABLE, parse_line
from zero2prod_core.domain.visibility import is_visible
from zero2prod_core.errors import FieldInvalid, Refusal


@given(text())
def test_a_line_is_trimmed_and_fit_for_a_header_or_refused(raw: str) -> None:
    fit = len(raw.strip()) <= 20 and any(map(is_visible, raw.strip())) and not UNPRINTABLE.search(raw.strip())
    if fit:
        assert parse_line(raw, "name", 20) == raw.strip()
        assert len(raw.strip().splitlines()) == 1
        return
    with pytest.raises(Refusal, match=r"^name: "):
        parse_line(raw, "name", 20)


@pytest.mark.parametrize("raw", ["a\r\nBcc: b", "a\0", "a\x85b", "a\u2029b", "a\u2066b"])
def test_nothing_smuggles_a_line_break_or_turns_the_direction(raw: str) -> None:
    with pytest.raises(FieldInvalid, match="one line"):
        parse_line(raw, "name", 20)
