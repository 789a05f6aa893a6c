"""When an issue pauses by itself: the rule at its edges."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zero2prod_core.domain.refusals import LEAST_DOMAINS, MOST_REFUSALS, WINDOW, Recent, is_refused

TAKEN = Recent("example.com", refused=False)


def refused(count: int, domains: int = LEAST_DOMAINS) -> list[Recent]:
    """Refusals, spread over so many domains."""
    return [Recent(f"{number % domains}.example", refused=True) for number in range(count)]


@pytest.mark.parametrize(
    ("recent", "pauses"),
    [
        ([], False),
        (refused(MOST_REFUSALS), True),
        (refused(MOST_REFUSALS - 1), False),
        (refused(MOST_REFUSALS, domains=LEAST_DOMAINS - 1), False),
        (refused(WINDOW, domains=LEAST_DOMAINS - 1), False),
        ([TAKEN] * (WINDOW - MOST_REFUSALS) + refused(MOST_REFUSALS), True),
        ([TAKEN] * (WINDOW - MOST_REFUSALS + 1) + refused(MOST_REFUSALS), False),
        ([TAKEN] * WINDOW + refused(WINDOW), False),
    ],
    ids=[
        "nothing",
        "enough",
        "one less",
        "two domains",
        "two domains, many",
        "oldest counts",
        "too old",
        "all too old",
    ],
)
def test_twenty_of_the_last_hundred_over_three_domains_pause(recent: list[Recent], *, pauses: bool) -> None:
    assert is_refused(recent) is pauses


@given(st.lists(st.builds(Recent, st.sampled_from(["a", "b", "c", "d"]), st.booleans()), max_size=2 * WINDOW))
def test_what_was_taken_beside_them_excuses_nothing_within_the_window(recent: list[Recent]) -> None:
    only_refused = [outcome for outcome in recent[:WINDOW] if outcome.refused]
    assert is_refused(recent) == is_refused(only_refused)
