"""Reading a mail server's reply: one table, and the first row that matches wins.

Codes are RFC 5321 §4.2's, enhanced codes RFC 3463's (a subset decides: those that tell whose fault it is).
"""

import re
from collections.abc import Callable
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
    """``reply`` is matched against ``"<code> <enhanced code>"``, either part empty where the server sent none."""

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
    row = next(row for row in TABLE if phase in row.phases and row.reply.match(subject))
    return row.verdict(reply)
