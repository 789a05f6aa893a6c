"""The limits as one process knows them by itself: a filter in front of the store's, which costs it nothing."""

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.limits import Decision, Rate, take
from zero2prod_core.errors import LimitExceeded
from zero2prod_core.ports.limits import LimitKey

__all__ = ["LocalLimits"]

# Some 15 MB. Whoever comes from more networks at once is none that a filter holds off; what they ask for is limited in
# the store.
MOST: Final = 50_000

BEGINNING: Final = datetime(2000, 1, 1, tzinfo=UTC)


def _monotonic() -> Instant:
    """A clock for differences, which nobody sets."""
    return BEGINNING + timedelta(seconds=time.monotonic())


class LocalLimits:
    """Cells of this process alone, and what the store has refused.

    A cell of the store by itself recovers no faster than time passes: what it refused it refuses until the time that it
    said. Only where something is given back to it would it let pass sooner what is refused here until that time. Of
    each kind ``most`` are kept, those that were asked for last.
    """

    def __init__(self, clock: Callable[[], Instant] = _monotonic, most: int = MOST) -> None:
        self._clock = clock
        self._most = most
        self._tats: OrderedDict[LimitKey, Instant] = OrderedDict()
        self._refused_until: OrderedDict[LimitKey, Instant] = OrderedDict()

    def take(self, asked: Sequence[tuple[LimitKey, Rate]]) -> LimitExceeded | None:
        """Take one from each of this process's cells, or nothing: then the first refusal."""
        decisions = self._decisions(asked)
        refused = [each for each in decisions if not each[1].allowed][:1]
        for key, decision in refused or decisions:
            _put(self._tats, key, decision.tat, self._most)
        return _refusal(refused)

    def look(self, asked: Sequence[tuple[LimitKey, Rate]]) -> LimitExceeded | None:
        """What taking would say."""
        return _refusal([each for each in self._decisions(asked) if not each[1].allowed])

    def known(self, asked: Sequence[tuple[LimitKey, Rate]]) -> LimitExceeded | None:
        """What the store would say, as far as it has said so before."""
        now = self._clock()
        return next((refusal for key, _ in asked if (refusal := self._known(key, now))), None)

    def learn(self, refusal: LimitExceeded) -> None:
        """Something that the store has refused."""
        if refusal.subject:
            key, until = LimitKey(refusal.scope, refusal.subject), self._clock() + refusal.retry_after
            _put(self._refused_until, key, until, self._most)

    def _decisions(self, asked: Sequence[tuple[LimitKey, Rate]]) -> Sequence[tuple[LimitKey, Decision]]:
        now = self._clock()
        return [(key, take(self._tats.get(key), rate, now)) for key, rate in asked]

    def _known(self, key: LimitKey, now: Instant) -> LimitExceeded | None:
        until = self._refused_until.get(key)
        if until is None or until <= now:
            return None
        return LimitExceeded(key.scope, until - now, key.subject)


def _refusal(refused: Sequence[tuple[LimitKey, Decision]]) -> LimitExceeded | None:
    """What the first of them says."""
    return next((LimitExceeded(key.scope, decision.retry_after, key.subject) for key, decision in refused), None)


def _put(memory: OrderedDict[LimitKey, Instant], key: LimitKey, instant: Instant, most: int) -> None:
    memory[key] = instant
    memory.move_to_end(key)
    if len(memory) > most:
        memory.popitem(last=False)
