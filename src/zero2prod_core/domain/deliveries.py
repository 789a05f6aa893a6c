"""The ledger's rows: states, what a sender may report, and what becomes of the row then.

A delivery is one letter to one recipient on one occasion. The promise behind these tables: no recipient is lost, and
none is mailed twice except where the server's answer to a mail was lost.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias
from uuid import UUID

import attrs

from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.keys import Key
from zero2prod_core.domain.masking import masked
from zero2prod_core.domain.suppressions import Digest
from zero2prod_core.domain.visibility import printable


class DeliveryState(StrEnum):
    PENDING = "pending"
    DEFERRED = "deferred"
    LEASED = "leased"
    ATTEMPTING = "attempting"
    SENT = "sent"
    FAILED = "failed"
    SUPPRESSED = "suppressed"
    UNCERTAIN = "uncertain"
    CANCELLED = "cancelled"


_WAITING = frozenset({DeliveryState.LEASED, DeliveryState.FAILED, DeliveryState.SUPPRESSED, DeliveryState.CANCELLED})

TRANSITIONS: Mapping[DeliveryState, frozenset[DeliveryState]] = MappingProxyType(
    {
        DeliveryState.PENDING: _WAITING,
        DeliveryState.DEFERRED: _WAITING,
        DeliveryState.LEASED: frozenset(
            {
                DeliveryState.ATTEMPTING,
                DeliveryState.PENDING,
                DeliveryState.DEFERRED,
                DeliveryState.FAILED,
                DeliveryState.SUPPRESSED,
                DeliveryState.CANCELLED,
            }
        ),
        DeliveryState.ATTEMPTING: frozenset(
            {
                DeliveryState.SENT,
                DeliveryState.DEFERRED,
                DeliveryState.FAILED,
                DeliveryState.UNCERTAIN,
                DeliveryState.PENDING,
            }
        ),
        DeliveryState.UNCERTAIN: frozenset({DeliveryState.PENDING, DeliveryState.SENT}),
        DeliveryState.FAILED: frozenset({DeliveryState.PENDING}),
        DeliveryState.SENT: frozenset(),
        DeliveryState.SUPPRESSED: frozenset(),
        DeliveryState.CANCELLED: frozenset(),
    }
)

UNFINISHED = frozenset({DeliveryState.PENDING, DeliveryState.DEFERRED, DeliveryState.LEASED, DeliveryState.ATTEMPTING})
"""While a delivery is in one of these, its issue is still sending."""


class RecipientKind(StrEnum):
    SUBSCRIBER = "subscriber"
    ACCOUNT = "account"
    EMAIL_ADDRESS = "email_address"


NO_OCCASION = UUID(int=0)
"""An issue reaches each recipient once, so it needs no occasion; a template letter's occasion is its token or event."""


@attrs.frozen(order=True, cache_hash=True)
class DeliveryKey:
    """What makes a delivery unique. Every batch of rows is locked in this order, or two servers would deadlock."""

    letter: UUID
    recipient: UUID
    occasion: UUID = NO_OCCASION

    @property
    def is_of_issue(self) -> bool:
        return self.occasion == NO_OCCASION


@attrs.frozen
class NewDelivery:
    """A row to enqueue; it is due at once, and given up at ``give_up_at``."""

    key: DeliveryKey
    kind: RecipientKind
    domain: str
    digest: Digest
    priority: int
    give_up_at: Instant


@attrs.frozen
class Claimed:
    """A row under this worker's lease. ``attempt`` is the number that this try will have, from 1.

    ``key_id`` names the key of everything keyed in its mail, the same at every try though the ring may change.
    ``enqueued_at`` is when the row was made: the date of a template letter's mail, the same at every try. ``fields``
    and ``tags`` are the subscriber's, by name.
    """

    key: DeliveryKey
    kind: RecipientKind
    lease: UUID
    attempt: int
    email: EmailAddress
    name: str
    key_id: str
    enqueued_at: Instant
    fields: Mapping[str, str] = MappingProxyType({})
    tags: tuple[str, ...] = ()


@attrs.frozen
class Postponed:
    """A claimed row that must not go yet: its domain rests, or its rate is used up. The attempt is not counted."""

    key: DeliveryKey
    until: Instant


class Resolution(StrEnum):
    """What a person decides about a mail whose answer was lost: send it once more, or believe that it arrived."""

    RESEND = "resend"
    ACCEPT = "accept"


@attrs.frozen
class InDoubt:
    """An uncertain delivery, for a person to decide. ``email`` is None where its recipient has been erased.

    ``resend_at`` is when it is sent again by itself, where its letter resends.
    """

    key: DeliveryKey
    email: EmailAddress | None
    attempts: int
    resend_at: Instant
    reply: "Reply | None"


@attrs.frozen
class FailedDelivery:
    """A delivery that is given up, for a person to look at. ``email`` is None where its recipient has been erased.

    ``reply`` holds the server's last words; None where it was never asked.
    """

    key: DeliveryKey
    email: EmailAddress | None
    attempts: int
    reply: "Reply | None"


@attrs.frozen
class Reply:
    """A server's words, bounded and without e-mail addresses; ``code`` is None where nothing that could be read came
    back.
    """

    code: int | None
    text: str

    LONGEST = 500
    """Characters kept of a reply: RFC 5321 §4.5.3.1.5 allows 512 in a line."""

    @classmethod
    def of(cls, code: int | None, text: str) -> "Reply":
        return cls(code, masked(printable(text))[: cls.LONGEST].strip())


@attrs.frozen
class Sent:
    """The server took responsibility for the mail."""

    reply: Reply


@attrs.frozen
class Deferred:
    """Not now; try again by the schedule."""

    reply: Reply


@attrs.frozen
class Rejected:
    """Never for this recipient. ``suppress``: the e-mail address itself is dead. ``blames_letter``: what was refused is
    what we say or who we are, as a policy would; too many of those pause an issue.
    """

    reply: Reply
    suppress: bool = False
    blames_letter: bool = False


class Scope(StrEnum):
    """What holds mail back: the relay, or one recipient domain behind it."""

    RELAY = "relay"
    DOMAIN = "domain"


@attrs.frozen
class Throttled:
    """The relay or the recipient's domain is not taking mail; the attempt is not counted."""

    reply: Reply
    scope: Scope


@attrs.frozen
class SenderFault:
    """Our own fault: nobody's mail of this letter would pass, and no recipient is to blame.

    An issue pauses. A letter that is no issue's cannot: its mails are tried again by the schedule, as deferred ones
    are, so that those of one newsletter keep nobody else's back.
    """

    reply: Reply


@attrs.frozen
class Uncertain:
    """The mail was complete and the answer was lost."""

    reply: Reply


Outcome: TypeAlias = Sent | Deferred | Rejected | Throttled | SenderFault | Uncertain


@attrs.frozen
class Mark:
    """The wish to complete a mail: granted, it is durable before the bytes that complete it leave us."""

    key: DeliveryKey
    lease: UUID
    attempt: int


@attrs.frozen
class Report:
    """What came of a claimed delivery; ``domain`` is the recipient's."""

    key: DeliveryKey
    lease: UUID
    attempt: int
    outcome: Outcome
    domain: str


@attrs.frozen
class Ruling:
    """A report translated into what the ledger writes.

    ``retry_in`` counts from the store's clock. ``attempts`` is the row's number of counted attempts afterwards.
    ``give_up_in``: how long to go on trying, from now; None leaves that as it is.
    """

    key: DeliveryKey
    lease: UUID
    attempt: int
    state: DeliveryState
    attempts: int
    retry_in: timedelta
    reply: Reply
    blames_letter: bool = False
    give_up_in: timedelta | None = None


RETRY_SCHEDULE: Sequence[timedelta] = (
    timedelta(minutes=5),
    timedelta(minutes=20),
    timedelta(minutes=45),
    timedelta(hours=2),
    timedelta(hours=3),
)
"""Waits after the 1st, 2nd, … deferral; the last repeats. The first covers greylisting (RFC 6647 §4), the rest RFC 5321
§4.5.4.1.
"""

JITTER = 0.2
"""±20 %, so that what failed together does not return together."""

GIVE_UP_AFTER = timedelta(days=5)
"""RFC 5321 §4.5.4.1 asks for at least 4–5 days."""

PAUSES: Mapping[Scope, timedelta] = MappingProxyType(
    {Scope.RELAY: timedelta(seconds=10), Scope.DOMAIN: timedelta(minutes=5)}
)
"""A relay is ours and comes back after a restart; a domain that throttles wants to be left alone for a while."""

RESEND_AFTER = timedelta(minutes=5)
"""How long an uncertain delivery waits before it is sent again: a slow server's late 250 may still settle it."""


MOST_ATTEMPTS = 30_000
"""Counting ends here: far beyond what any schedule comes to in its days, and what stores can keep."""


def retry_in(attempt: int, chance: float, schedule: Sequence[timedelta] = RETRY_SCHEDULE) -> timedelta:
    """The wait after the ``attempt``-th counted attempt (from 1), with ``chance`` in [0, 1) spread over ±20 %."""
    step = schedule[min(attempt, len(schedule)) - 1]
    return step * (1 + JITTER * (2 * chance - 1))


def rule(
    report: Report,
    chance: float,
    schedule: Sequence[timedelta] = RETRY_SCHEDULE,
    give_up_after: timedelta = GIVE_UP_AFTER,
) -> Ruling:
    """What a report does to its row; ``chance`` in [0, 1) spreads retries.

    An issue's mail may wait for long before it is tried at all: behind a pause, a rate, a dead relay. So its time to be
    given up counts from the first attempt. Other mails say themselves until when they are of use.
    """
    state, counted, wait = _consequence(report, chance, schedule)
    attempts, outcome = min(report.attempt, MOST_ATTEMPTS) if counted else report.attempt - 1, report.outcome
    blames = isinstance(outcome, Rejected) and outcome.blames_letter
    first = counted and report.attempt == 1 and report.key.is_of_issue
    lasts = give_up_after if first else None
    return Ruling(report.key, report.lease, report.attempt, state, attempts, wait, outcome.reply, blames, lasts)


def _consequence(report: Report, chance: float, schedule: Sequence[timedelta]) -> tuple[DeliveryState, bool, timedelta]:
    now = timedelta(0)
    match report.outcome:
        case Sent():
            return DeliveryState.SENT, True, now
        case Rejected():
            return DeliveryState.FAILED, True, now
        case Uncertain():
            return DeliveryState.UNCERTAIN, True, max(RESEND_AFTER, retry_in(report.attempt, chance, schedule))
        case Deferred():
            return DeliveryState.DEFERRED, True, retry_in(report.attempt, chance, schedule)
        case Throttled(scope=scope):
            return DeliveryState.PENDING, False, PAUSES[scope] * (1 + chance)
        case SenderFault() if not report.key.is_of_issue:
            return DeliveryState.DEFERRED, True, retry_in(report.attempt, chance, schedule)
        case SenderFault():
            return DeliveryState.PENDING, False, PAUSES[Scope.RELAY] * (1 + chance)


MAC_DIGITS = 16
"""Hex digits of the MAC in a Message-ID, 64 bits: it only keeps strangers from forging bounces."""


def message_id(key: Key, delivery: DeliveryKey, domain: str) -> str:
    """``<letter.recipient[.occasion].mac@domain>``: readable ids, so that a bounce leads to its row (RFC 5322
    §3.6.4).
    """
    ids = [delivery.letter.hex, delivery.recipient.hex]
    if delivery.occasion != NO_OCCASION:
        ids.append(delivery.occasion.hex)
    local = ".".join(ids)
    mac = key.mac("message-id", local.encode()).hex()[:MAC_DIGITS]
    return f"<{local}.{mac}@{domain}>"
