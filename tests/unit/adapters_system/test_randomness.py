"""The operating system's random numbers."""

import pytest

from adapters_system.randomness import SystemRandomness


@pytest.mark.parametrize("count", [0, 1, 32])
def test_bytes_are_as_many_as_asked_for(count: int) -> None:
    assert len(SystemRandomness().bytes(count)) == count


def test_bytes_differ_from_call_to_call() -> None:
    randomness = SystemRandomness()
    assert len({randomness.bytes(16) for _ in range(100)}) == 100


def test_fractions_lie_in_the_half_open_unit_interval_and_differ() -> None:
    randomness = SystemRandomness()
    fractions = {randomness.fraction() for _ in range(100)}
    assert all(0 <= fraction < 1 for fraction in fractions)
    assert len(fractions) > 90
