"""Breakers: what keeps mail back while a relay, or one recipient domain behind it, takes none.

A breaker that trips is open for a while. Then one worker, of all that there are, tries a few mails; what comes of them
closes the breaker, or opens it for longer.
"""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

import attrs

from zero2prod_core.domain.deliveries import PAUSES, Deferred, Outcome, Rejected, Report, Scope, Sent, Throttled
from zero2prod_core.domain.instants import Instant


@attrs.frozen(order=True)
class BreakerKey:
    """What is held back: a relay by its name in the settings, or the mail to one recipient domain."""

    scope: Scope
    subject: str


@attrs.frozen
class Terms:
    """How long the first trip lasts; each further one takes twice as long, up to ``longest``. ``probes``: mails tried
    then.
    """

    first: timedelta
    longest: timedelta
    probes: int


TERMS: Mapping[Scope, Terms] = MappingProxyType(
    {
        Scope.RELAY: Terms(PAUSES[Scope.RELAY], timedelta(minutes=1), 5),
        Scope.DOMAIN: Terms(PAUSES[Scope.DOMAIN], timedelta(hours=1), 2),
    }
)
"""The longest keep an hour's silence from following a minute's trouble."""

FORGOTTEN_AFTER = timedelta(hours=1)
"""A breaker whose time has been over for so long, untried, says nothing any more: there was no mail to try it with."""


@attrs.frozen
class Breaker:
    """Open until ``open_until``, after ``failures`` trips without a success between them.

    While ``probing``, one worker tries, and the others wait until the same instant.
    """

    key: BreakerKey
    open_until: Instant
    failures: int
    reason: str
    probing: bool = False

    def is_open(self, at: Instant) -> bool:
        return at < self.open_until

    def probed(self, until: Instant) -> "Breaker":
        """Tried by one worker, whose answer the others wait for until then."""
        return attrs.evolve(self, open_until=until, probing=True)


def tripped(before: Breaker | None, key: BreakerKey, reason: str, at: Instant) -> Breaker:
    """The breaker after a failure. What fails while it is open already was on its way before, and counts no more."""
    if before and before.is_open(at) and not before.probing:
        return before
    failures = before.failures + 1 if before else 1
    terms = TERMS[key.scope]
    # The exponent is bounded, as an interval doubled for weeks would leave the calendar.
    lasts = min(terms.first * 2 ** min(failures - 1, 16), terms.longest)
    return Breaker(key, at + lasts, failures, reason)


def is_answer(outcome: Outcome, scope: Scope) -> bool:
    """Whether the outcome shows that what a breaker of this scope held back takes mail again, or refuses it one by one.

    A mail put off may be any server's on the way, so for a domain it shows nothing.
    """
    match outcome:
        case Sent() | Rejected():
            return outcome.reply.code is not None
        case Deferred():
            return scope is Scope.RELAY and outcome.reply.code is not None
        case _:
            return False


def failure_of(report: Report, relay: str) -> BreakerKey | None:
    """The breaker that a report trips."""
    match report.outcome:
        case Throttled(scope=Scope.RELAY):
            return BreakerKey(Scope.RELAY, relay)
        case Throttled(scope=Scope.DOMAIN):
            return BreakerKey(Scope.DOMAIN, report.domain)
        case _:
            return None
