"""The operating system's random numbers."""

import builtins
import secrets

from zero2prod_core.ports.system import Randomness

__all__ = ["SystemRandomness"]


class SystemRandomness(Randomness):
    """A CSPRNG for both methods: jitter needs none, but a second source would only be a second thing to explain."""

    def __init__(self) -> None:
        self._random = secrets.SystemRandom()

    def bytes(self, count: int) -> builtins.bytes:
        """``count`` unpredictable bytes, fit for keys and tokens."""
        return secrets.token_bytes(count)

    def fraction(self) -> float:
        """A number in [0, 1), in steps of 2⁻⁵³."""
        return self._random.random()
