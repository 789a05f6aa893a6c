"""Reading a relay's reply: one table for each way of talking to it, and the first row that matches wins.

SMTP's codes are RFC 5321 §4.2's, enhanced codes RFC 3463's (a subset decides: those that tell whose fault it is).
Postmark's are HTTP statuses and the API's own error codes (postmarkapp.com/developer/api/overview).
"""

import re
from collections.abc import Callable, Sequence
from enum import StrEnum
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


@attrs.frozen
class Row:
    """``reply`` is matched against ``"<code> <enhanced code>"``, for Postmark ``"<HTTP status> <error code>"``; either
    part is empty where the relay sent none.
    """

    phases: frozenset[Phase]
    reply: re.Pattern[str]
    verdict: Verdict


def _row(phases: frozenset[Phase], reply: str, verdict: Verdict) -> Row:
    return Row(phases, re.compile(reply), verdict)


TABLE = (
    _row(SETUP, r"552 |\d* 5\.3\.4$", Rejected),
    _row(SETUP, r"5", SenderFault),
    _row(SETUP, r"", _relay),
    _row(RCPT, r"\d* 5\.1\.(?:1|2|3|6|10)$", _dead),
    _row(RCPT, r"\d* 5\.1\.[78]$", SenderFault),
    _row(RCPT, r"\d* 5\.2\.2$|552 $", Deferred),
    _row(RCPT | DATA, r"421 ", _relay),
    _row(RCPT, r"4\d\d 4\.(?:3\.2|7\.\d+)$", _domain),
    _row(RCPT | DATA | END, r"4", Deferred),
    _row(RCPT | DATA | END, r"5", Rejected),
    _row(END, r"2", Sent),
    _row(BEFORE_END, r"", Deferred),
    _row(END, r"", Uncertain),
)

ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?=\s|$)")


def outcome_of(phase: Phase, code: int | None, text: str) -> Outcome:
    """The outcome of a reply, or of its absence (``code`` None: lost connection, time-out, garbage; ``text`` says
    which).
    """
    reply = Reply.of(code, text)
    enhanced = ENHANCED.match(reply.text)
    subject = f"{'' if code is None else code} {enhanced.group() if enhanced else ''}"
    return _first(TABLE, phase, subject)(reply)


POSTMARK = (
    _row(SETUP, r"", _relay),
    _row(END, r"2\d\d 0$", Sent),
    _row(END, r"429 |503 |[24]\d\d (?:100|429)$", _relay),
    _row(END, r"[24]\d\d (?:10|40[0-35]|409|41[0-3]|12\d\d)$|3", SenderFault),
    _row(END, r"[24]\d\d 406$", _dead),
    _row(END, r"[24]\d\d 300$|413 ", Rejected),
    _row(END, r"(?:408|421|425) ", _relay),
    _row(END, r"4\d\d $", SenderFault),
    _row(END, r"[24]\d\d [1-9]\d*$", Deferred),
    _row(END, r"", Uncertain),
)
"""An error code other than 0 says that the message was not taken. 100 and 429 are maintenance and haste; 10, 400 to
405, 409 to 413 and 12xx (no such message stream) are no recipient's fault. A refusal without a code, or a redirect,
which is not followed, comes from something else that answers at this URL. A code that nobody knows is deferred: it may
be one recipient's, whom a paused issue would meet again each time it goes on.
"""


def postmark_outcome_of(phase: Phase, status: int | None, code: int | None, text: str) -> Outcome:
    """The outcome of one message: SETUP until a connection stands, END from then on.

    ``status`` is the answer's (None: there was none that could be read), ``code`` the message's own error code.
    """
    reply = Reply.of(status if code is None else code, text)
    subject = f"{'' if status is None else status} {'' if code is None else code}"
    return _first(POSTMARK, phase, subject)(reply)


def _first(table: Sequence[Row], phase: Phase, subject: str) -> Verdict:
    return next(row.verdict for row in table if phase in row.phases and row.reply.match(subject))
