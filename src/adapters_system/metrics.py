"""Every number that the service keeps about itself, in one table.

Labels have few values, so that a metric is a handful of lines and never one for each visitor.
"""

from collections.abc import Mapping, Sequence
from enum import Enum
from types import MappingProxyType
from typing import Final

import attrs

from zero2prod_core.domain.audit import Action
from zero2prod_core.domain.letters import LetterKind

__all__ = ["METRICS", "Kind", "Metric"]

PREFIX: Final = "zero2prod"

# Seconds. An answer without the store takes under a millisecond, one with it a few; after ten a client has gone away.
REQUESTS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

# Seconds. A loop at rest is late by a tenth of a millisecond; a password hashed inline would make it 20 ms.
LATENESS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)

# Sign-ups. The last is the most that one flight takes.
FLIGHTS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500)

# What the relay's answer makes of a mail, by the names of the outcomes; a mark that was refused is none of them.
MAIL_OUTCOMES: Final = ("sent", "deferred", "rejected", "throttled", "senderfault", "uncertain", "refused")

# What a client kept the site waiting for; or that there were too many of one network, of one site, or in all, so that
# it gave way or was not let in. Idle ones are dropped as a matter of course, and not counted.
DROPPED: Final = (
    "head",
    "head_size",
    "body",
    "reading",
    "network",
    "site",
    "total",
    "network_refused",
    "site_refused",
    "total_refused",
)

ACTIONS: Final = tuple(action.value for action in Action)

KINDS: Final = tuple(kind.value for kind in LetterKind)

NO_LABELS: Final[Mapping[str, Sequence[str]]] = MappingProxyType({})


class Kind(Enum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@attrs.frozen
class Metric:
    """How an event is told to Prometheus.

    Args:
        labels: names, each with the values that are known beforehand; a counter all of whose values are known begins
            at 0 for each of them, so that its first event is an increase.
        bounds: of a histogram's buckets; one whose values come with bounds of their own has none here.
    """

    event: str
    kind: Kind
    help: str
    labels: Mapping[str, Sequence[str]] = NO_LABELS
    unit: str = ""
    bounds: Sequence[float] = ()

    @property
    def name(self) -> str:
        """Without the ``_total`` that a counter's samples end with."""
        return "_".join(part for part in (PREFIX, self.event, self.unit) if part)

    @property
    def shown(self) -> str:
        """As it stands in a query; a histogram's samples have ``_bucket``, ``_sum`` and ``_count`` behind it."""
        return f"{self.name}_total" if self.kind is Kind.COUNTER else self.name


def _counter(event: str, help_: str, **labels: Sequence[str]) -> Metric:
    return Metric(event, Kind.COUNTER, help_, labels)


def _gauge(event: str, help_: str, unit: str = "", **labels: Sequence[str]) -> Metric:
    return Metric(event, Kind.GAUGE, help_, labels, unit)


def _histogram(
    event: str, help_: str, bounds: Sequence[float], unit: str = "seconds", **labels: Sequence[str]
) -> Metric:
    return Metric(event, Kind.HISTOGRAM, help_, labels, unit, bounds)


METRICS: Final[Sequence[Metric]] = (
    _counter("requests", "Requests that were answered.", route=(), method=(), status=()),
    _histogram("request_duration", "From a request's head to the end of its handler.", REQUESTS, route=(), method=()),
    _counter("connections_dropped", "Connections that were ended or not let in.", reason=DROPPED),
    _counter(
        "sign_ups",
        "Sign-ups, by what followed; to the visitor all but the refused look alike.",
        outcome=("mailed", "noticed", "withheld", "nothing", "refused"),
    ),
    _counter("challenges", "Challenges before a sign-up.", outcome=("asked", "answered", "refused")),
    _histogram("gathered", "Sign-ups that were written in one transaction.", FLIGHTS, unit="sign_ups"),
    _counter("actions", "What people and the service did, as the audit log has it.", action=ACTIONS),
    _counter("limit_refusals", "What a limit refused or held back.", scope=()),
    _counter("limit_alarms", "Times that a budget that all share was found used up.", scope=()),
    _counter("mails", "Mails, by what came of the attempt.", outcome=MAIL_OUTCOMES),
    _histogram("smtp_wait", "Until the mail server answered a step.", (), step=()),
    _gauge("deliveries_due", "Deliveries that are due and with no worker.", kind=KINDS),
    _gauge("deliveries_longest_wait", "Since the delivery that waits longest became due.", "seconds", kind=KINDS),
    _gauge("store_up", "1 where the database answered when it was last asked, else 0."),
    _gauge("pool_size", "Database connections that this process may have at once."),
    _gauge("pool_busy", "Database connections in use."),
    _gauge("pool_waiting", "Tasks that wait for a database connection."),
    _histogram("loop_lag", "How late the event loop was, looked at once a second.", LATENESS),
)
