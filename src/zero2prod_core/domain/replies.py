"""Reading a relay's reply: one table for each way of talking to it, and the first row that matches wins.

SMTP's codes are RFC 5321 §4.2's, enhanced codes RFC 3463's (a subset decides: those that tell whose fault it is).
Postmark's are HTTP statuses and the API's own error codes (postmarkapp.com/developer/api/overview).
"""

import re
from collections.abc import Callable, Container, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias

import attrs

from zero2prod_core.domain.deliveries import (
    Deferred,
    Outcome,
    Rejected,
    Reply,
    Scope,
    SenderFault,
    Sent,
    Throttled,
    Uncertain,
)


class Phase(StrEnum):
    """Where in the dialogue a reply came; SETUP is everything up to and including MAIL."""

    SETUP = "setup"
    RCPT = "rcpt"
    DATA = "data"
    BODY = "body"
    END = "end"


SETUP = frozenset({Phase.SETUP})
RCPT = frozenset({Phase.RCPT})
DATA = frozenset({Phase.DATA})
END = frozenset({Phase.END})
BEFORE_END = frozenset({Phase.RCPT, Phase.DATA, Phase.BODY})

Verdict: TypeAlias = Callable[[Reply], Outcome]


def _relay(reply: Reply) -> Outcome:
    return Throttled(reply, Scope.RELAY)


def _domain(reply: Reply) -> Outcome:
    return Throttled(reply, Scope.DOMAIN)


def _dead(reply: Reply) -> Outcome:
    return Rejected(reply, suppress=True)


def _policy(reply: Reply) -> Outcome:
    return Rejected(reply, blames_letter=True)


@attrs.frozen
class Row:
    """``reply`` is matched against ``"<code> <enhanced code>"``; either part is empty where the relay sent none."""

    phases: frozenset[Phase]
    reply: re.Pattern[str]
    verdict: Verdict


def _row(phases: frozenset[Phase], reply: str, verdict: Verdict) -> Row:
    return Row(phases, re.compile(reply), verdict)


TABLE = (
    _row(SETUP, r"552 |\d* 5\.3\.4$", _policy),
    _row(SETUP, r"5", SenderFault),
    _row(SETUP, r"", _relay),
    _row(RCPT, r"\d* 5\.1\.(?:1|2|3|6|10)$", _dead),
    _row(RCPT, r"\d* 5\.1\.[78]$|530 |535 |503 ", SenderFault),
    _row(RCPT, r"\d* 5\.2\.2$|552 $", Deferred),
    _row(RCPT | DATA, r"421 ", _relay),
    _row(RCPT, r"4\d\d 4\.(?:3\.2|7\.\d+)$", _domain),
    _row(RCPT | DATA | END, r"4", Deferred),
    _row(RCPT | DATA, r"5\d\d 5\.7\.\d+$", _policy),
    _row(RCPT | DATA, r"5", Rejected),
    _row(END, r"5", _policy),
    _row(END, r"2", Sent),
    _row(BEFORE_END, r"", Deferred),
    _row(END, r"", Uncertain),
)

ROWS: Mapping[Phase, tuple[Row, ...]] = MappingProxyType(
    {phase: tuple(row for row in TABLE if phase in row.phases) for phase in Phase}
)
"""The table by phase: every mail looks up one reply at least."""

ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?=\s|$)")


def outcome_of(phase: Phase, code: int | None, text: str) -> Outcome:
    """The outcome of a reply, or of its absence (``code`` None: lost connection, time-out, garbage; ``text`` says
    which).
    """
    reply = Reply.of(code, text)
    enhanced = ENHANCED.match(reply.text)
    subject = f"{'' if code is None else code} {enhanced.group() if enhanced else ''}"
    return next(row.verdict for row in ROWS[phase] if row.reply.match(subject))(reply)


OK, REDIRECT, REFUSAL = range(200, 300), range(300, 400), range(400, 500)
READ = frozenset({*OK, *REFUSAL})
"""A server's error may hold a code as well, but tells nothing of the mail."""
AWAY = frozenset({408, 421, 425, 429, 503})
"""Time-out, wrong server, too early, too many requests, not available: a later request may be answered."""
TOO_LARGE = frozenset({413})

TAKEN = frozenset({0})
NOT_NOW = frozenset({100, 429})
"""Maintenance, and too many requests."""
INVALID = frozenset({300})
INACTIVE = frozenset({406})
"""The recipient bounced for good or complained, and Postmark sends nothing there any more."""
OUR_FAULT = frozenset({10, *range(400, 404), 405, *range(409, 414), *range(1200, 1300)})
"""Token, sender signature, JSON, balance, size of the batch, account, message stream: no recipient's doing."""
GREATEST_CODE = 32_767
"""What the ledger can keep of a code. Postmark's have at most four digits."""
OTHER = range(1, GREATEST_CODE + 1)
NO_CODE = frozenset({None})


@attrs.frozen
class PostmarkRow:
    """``codes`` None stands for any code and for none: the status alone decides."""

    statuses: Container[int | None]
    codes: Container[int | None] | None
    verdict: Verdict

    def matches(self, status: int | None, code: int | None) -> bool:
        return status in self.statuses and (self.codes is None or code in self.codes)


POSTMARK = (
    PostmarkRow(AWAY, None, _relay),
    PostmarkRow(TOO_LARGE, None, Rejected),
    PostmarkRow(REDIRECT, None, SenderFault),
    PostmarkRow(OK, TAKEN, Sent),
    PostmarkRow(REFUSAL, NO_CODE, SenderFault),
    PostmarkRow(READ, NOT_NOW, _relay),
    PostmarkRow(READ, INVALID, Rejected),
    PostmarkRow(READ, INACTIVE, _dead),
    PostmarkRow(READ, OUR_FAULT, SenderFault),
    PostmarkRow(READ, OTHER, Deferred),
)
"""What no row matches is uncertain: an answer that cannot be read, or a server's error. A redirect, which is not
followed, or a refusal without a code comes from something else that answers at this URL. A code that nobody knows may
be one recipient's, whom a paused issue would meet again each time it goes on. Operators read the same on
docs/explanation/delivery.md, and a test compares.
"""


def postmark_outcome_of(phase: Phase, status: int | None, code: int | None, text: str) -> Outcome:
    """The outcome of one message: SETUP until a connection stands, END from then on.

    ``status`` is the answer's (None: there was none that could be read), ``code`` the message's own error code.
    """
    reply = Reply.of(status if code is None else code, text)
    if phase is Phase.SETUP:
        return _relay(reply)
    return next((row.verdict for row in POSTMARK if row.matches(status, code)), Uncertain)(reply)
