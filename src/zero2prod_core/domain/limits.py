"""Rate limits: the generic cell rate algorithm, as arithmetic.

Source: ATM Forum, Traffic Management 4.1 (af-tm-0121.000), in its form of virtual scheduling. All that is kept of a key
is one instant, its theoretical arrival time: when everything taken so far would have arrived, had it come evenly.

A rate of N per period lets N pass at once and then one more after each N-th part of the period. In a window of any
length w at most N + w / (period / N) pass: in the long run never more than N per period, in the period that starts with
a full burst at most 2 N - 1. A rate of one per period has no such burst.

A strict rate lets N pass at once as well, but then one after each whole period: in no window of a period more than N.
"""

import re
from collections.abc import Hashable, Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Generic, TypeVar

import attrs

from zero2prod_core.domain.domain_names import DomainName
from zero2prod_core.domain.instants import Instant
from zero2prod_core.errors import Defect, FieldInvalid, SettingInvalid

OFF = "off"
RATE = re.compile(r"([1-9][0-9]{0,8})/([0-9]{0,5})(s|m|h|d)", re.ASCII)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
UNITS = {"s": timedelta(seconds=1), "m": MINUTE, "h": HOUR, "d": DAY}

INSTANT_RESOLUTION = timedelta(microseconds=1)
"""Of ``datetime`` and of PostgreSQL's ``timestamptz`` alike; no emission interval can be shorter."""

LONGEST_PERIOD = timedelta(days=366)
"""A longer one is a slip of the pen, and its arithmetic could leave the calendar."""


@attrs.frozen
class Rate:
    """``count`` per ``period``; ``strict``: never more in any window of that length, and in the long run one."""

    count: int
    period: timedelta
    strict: bool = False

    @classmethod
    def parse(cls, text: str, setting: str = "ZERO2PROD_LIMITS") -> "Rate":
        """Read ``N/period``: ``5/10m``, ``3/24h``, ``100/s``; units are s, m, h and d.

        Raises:
            SettingInvalid: it is not of this form, or more often than once per microsecond.
        """
        match = RATE.fullmatch(text.strip())
        if match is None:
            raise SettingInvalid(setting, f"is {text!r}. Write N/period, N at least 1, as in 5/10m or 100/s; or {OFF}.")
        count, amount, unit = match.groups()
        rate = cls(int(count), int(amount or 1) * UNITS[unit])
        if not rate.count * INSTANT_RESOLUTION <= rate.period <= LONGEST_PERIOD:
            raise SettingInvalid(setting, f"is {text!r}. Use a period of 1s to 366d, and at most a million per second.")
        return rate

    @property
    def text(self) -> str:
        """As `parse` reads it, in the longest unit that fits. The period has whole seconds; strictness is not told."""
        unit, length = next(each for each in reversed(UNITS.items()) if not self.period % each[1])
        amount = self.period // length
        return f"{self.count}/{amount if amount > 1 else ''}{unit}"

    @property
    def emission_interval(self) -> timedelta:
        """The even distance of two at this rate, rounded up to a microsecond: rounding never lets more pass."""
        return self.period if self.strict else -(-self.period // self.count)

    @property
    def burst(self) -> timedelta:
        """How far the theoretical arrival time may run ahead of now: N intervals."""
        return self.count * self.emission_interval


@attrs.frozen
class Decision:
    """What became of one take. ``tat`` is to be kept for the next; ``retry_after`` is zero where it was allowed."""

    allowed: bool
    tat: Instant
    retry_after: timedelta = timedelta(0)


def parse_rate(text: str, setting: str = "ZERO2PROD_LIMITS") -> Rate | None:
    """A rate, or None for ``off``."""
    return None if text.strip().lower() == OFF else Rate.parse(text, setting)


def take(tat: Instant | None, rate: Rate, now: Instant, cost: int = 1) -> Decision:
    """Take ``cost`` at once, or nothing: a refusal leaves ``tat`` as it was.

    Args:
        tat: what the last decision about this key said; None for a key that is new.
        now: may lie before an earlier ``now``; then time has stood still.

    Raises:
        Defect: the cost is below one, or above N, which no wait would help. ``room`` says how much of a batch can pass.
    """
    if not 1 <= cost <= rate.count:
        raise Defect(f"a cost of {cost} against a rate of {rate.count} per {rate.period}")
    start = now if tat is None else max(tat, now)
    after = start + cost * rate.emission_interval
    wait = after - rate.burst - now
    return Decision(False, start, wait) if wait > timedelta(0) else Decision(True, after)


def given_back(tat: Instant, rate: Rate) -> Instant:
    """The cell with one that was taken back in it. More than full it never is: a ``tat`` in the past counts as now."""
    return tat - rate.emission_interval


def capped(tat: Instant, rate: Rate, now: Instant) -> Instant:
    """A cell that is used up, at the most: what lies further ahead was taken at another rate, with a longer period."""
    return min(tat, now + rate.burst)


def room(tat: Instant | None, rate: Rate, now: Instant) -> int:
    """How many could be taken now: 0 to N."""
    ahead = timedelta(0) if tat is None else max(tat - now, timedelta(0))
    return max((rate.burst - ahead) // rate.emission_interval, 0)


def take_some(tat: Instant | None, rate: Rate, now: Instant, wanted: int) -> tuple[int, Instant]:
    """Take as many of ``wanted`` as there is room for: how many, and the ``tat`` to be kept."""
    taken = min(wanted, room(tat, rate, now))
    start = now if tat is None else max(tat, now)
    return taken, start + taken * rate.emission_interval


Cell = TypeVar("Cell", bound=Hashable)


class Cells(Generic[Cell]):
    """Cells at one moment, by key, and what is taken from them one after another; ``changed`` is to be written."""

    def __init__(self, tats: Mapping[Cell, Instant], now: Instant) -> None:
        self._tats = dict(tats)
        self._now = now
        self.changed: dict[Cell, Instant] = {}

    def take(self, asked: Sequence[tuple[Cell, Rate]]) -> tuple[Cell, timedelta] | None:
        """Take one from each, or nothing: then which cell refused, and for how long; of several, the longest."""
        decisions = [(cell, take(self._tats.get(cell), rate, self._now)) for cell, rate in asked]
        refused = [(cell, decision.retry_after) for cell, decision in decisions if not decision.allowed]
        if refused:
            return max(refused, key=lambda each: each[1])
        self._change({cell: decision.tat for cell, decision in decisions})
        return None

    def give_back(self, taken: Sequence[tuple[Cell, Rate]]) -> None:
        """One to each, as if it had not been taken."""
        tats = [(cell, rate, self._tats.get(cell, self._now)) for cell, rate in taken]
        self._change({cell: given_back(tat, rate) for cell, rate, tat in tats})

    def used(self, cell: Cell, rate: Rate) -> int:
        """How many of N have been taken and have not come back yet."""
        return rate.count - room(self._tats.get(cell), rate, self._now)

    def _change(self, tats: Mapping[Cell, Instant]) -> None:
        self._tats |= tats
        self.changed |= tats


FREE_TRIES = 2
"""A password mistyped twice is told at once."""

DELAYS = tuple(timedelta(seconds=seconds) for seconds in (0.5, 1, 2, 4))
"""A person waits 4 s without thinking that the page is broken; guesses one by one come to 15 a minute."""


def delay_after(tries: int) -> timedelta:
    """How long the answer to a failed try waits, of those that an account has not yet recovered from, this one counted:
    nothing for two, then 0.5 s, doubled with each up to 4 s.
    """
    beyond = tries - FREE_TRIES
    return timedelta(0) if beyond <= 0 else DELAYS[min(beyond, len(DELAYS)) - 1]


HORIZON = timedelta(minutes=10)
"""Places are given out for so long ahead: a rate that is lifted, a queue that was cancelled, is forgotten by then."""


def queue_up(end: Instant | None, rate: Rate, now: Instant, count: int) -> Sequence[Instant]:
    """The next places, an emission interval apart, behind what queues already up to ``end``; the last is the new end.

    At most ``count``, and none later than `HORIZON` from now: whoever finds no place asks again then.
    """
    start = now if end is None else max(end, now)
    free = max(0, (now + HORIZON - start) // rate.emission_interval)
    return [start + place * rate.emission_interval for place in range(1, min(count, free) + 1)]


@attrs.frozen
class DomainRates:
    """A rate for each domain: its own, where it has one, or the usual; None is no limit."""

    usual: Rate | None = None
    own: Mapping[str, Rate | None] = MappingProxyType({})

    @classmethod
    def parse(cls, text: str, setting: str) -> "DomainRates":
        """Read ``off``, ``20/s``, or with domains of their own ``20/s, example.com=2/s, example.org=off``.

        Raises:
            SettingInvalid: a part is no rate, names what no mail's domain can be, or names a domain or none twice.
        """
        own: dict[str | None, Rate | None] = {}
        for part in filter(None, (part.strip() for part in text.split(","))):
            domain, _, typed = part.rpartition("=")
            name = _domain(domain.strip(), setting) if domain.strip() else None
            if name in own:
                raise SettingInvalid(setting, f"says twice what holds for {name or 'all domains'}. Say it once.")
            own[name] = parse_rate(typed, setting)
        usual = own.pop(None, None)
        return cls(usual, MappingProxyType({name: rate for name, rate in own.items() if name is not None}))

    @property
    def limits(self) -> bool:
        """Whether there is a rate at all."""
        return any([self.usual, *self.own.values()])

    def of(self, domain: str) -> Rate | None:
        return self.own.get(domain, self.usual)


def _domain(typed: str, setting: str) -> str:
    """The form in which domains of e-mail addresses are kept."""
    try:
        return DomainName.parse(typed).ascii
    except FieldInvalid as error:
        rule, remedy = error.fields["rule"], error.fields["remedy"]
        raise SettingInvalid(setting, f"has a rate for {typed[:100]!a}, but each {rule}. {remedy}.") from None


UNLIMITED = DomainRates()


STRICT_UP_TO = 100
"""More mails a day guard nobody's mailbox, and their arithmetic could leave the calendar."""


def _strict(rate: Rate | None) -> Rate | None:
    return rate and attrs.evolve(rate, strict=rate.count <= STRICT_UP_TO)


@attrs.frozen
class Limits:
    """What visitors may do; None is no limit. A network is an IPv4 address or an IPv6 /64, a site an IPv6 /48.

    The first group answers 429. The second is about whoever is mailed: beyond it the mail is simply not sent, and
    nobody who asks can tell. What one mailbox is sent is limited strictly: a day of a victim is a day.
    """

    request_network: Rate | None = Rate(1200, MINUTE)
    request_site: Rate | None = Rate(6000, MINUTE)
    unsubscribe_network: Rate | None = Rate(6000, MINUTE)
    unsubscribe_site: Rate | None = Rate(30_000, MINUTE)
    sign_up_network: Rate | None = Rate(20, 10 * MINUTE)
    sign_up_site: Rate | None = Rate(100, 10 * MINUTE)
    sign_up_total: Rate | None = Rate(600, MINUTE)
    login_account: Rate | None = Rate(10, 15 * MINUTE)
    login_network: Rate | None = Rate(30, 15 * MINUTE)
    login_site: Rate | None = Rate(150, 15 * MINUTE)
    login_total: Rate | None = Rate(600, MINUTE)

    confirmation: Rate | None = Rate(1, 10 * MINUTE)
    notice: Rate | None = Rate(1, DAY)
    email: Rate | None = attrs.field(default=Rate(3, DAY), converter=_strict)
    recipient_domain: Rate | None = Rate(2000, HOUR)
    mail_total: Rate | None = Rate(5000, HOUR)


USUAL_LIMITS = Limits()

NO_LIMITS = Limits(*[None] * len(attrs.fields(Limits)))
"""For who has limits of their own in front."""
