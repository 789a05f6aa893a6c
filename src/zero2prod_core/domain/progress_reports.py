"""What a person who watches an issue is told, as plain values that a terminal and a page share."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import attrs

from zero2prod_core.domain.breakers import Breaker
from zero2prod_core.domain.deliveries import DeliveryState, FailedDelivery, InDoubt, Reply
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.issues import Issue, IssueState
from zero2prod_core.domain.letters import Letter, UncertainPolicy
from zero2prod_core.domain.newsletters import Newsletter
from zero2prod_core.domain.progress import Speedometer, Standing, remaining
from zero2prod_core.domain.remedies import HELD_BACK, remedy_of

OVER = frozenset({IssueState.FINISHED, IssueState.CANCELLED})


@attrs.frozen
class IssueProgress:
    """An issue, whose it is and what it says, with its ledger: the sums over all states add up to its audience.

    ``possibly_twice``: recipients to whom a mail was completed again after an answer was lost. ``held_back``: what
    keeps mail from going at this moment, of any issue. ``limited``: rates are set, which may hold mails back too.
    """

    issue: Issue
    newsletter: Newsletter
    letter: Letter
    sums: Mapping[DeliveryState, int]
    possibly_twice: int
    held_back: Sequence[Breaker]
    limited: bool = False

    @property
    def is_sending(self) -> bool:
        return self.issue.state is IssueState.SENDING

    @property
    def waits_for_rates(self) -> bool:
        """Whether mails wait, maybe because of a rate."""
        waiting = self.sums.get(DeliveryState.PENDING, 0) or self.sums.get(DeliveryState.DEFERRED, 0)
        return self.limited and self.is_sending and waiting > 0

    @property
    def resends(self) -> bool:
        """Whether a mail whose answer was lost is sent again by itself; else it waits for a person."""
        return self.letter.uncertain is UncertainPolicy.RESEND and self.is_sending


@attrs.frozen
class ProgressReport:
    """An issue's progress at one look, and how fast it goes by the looks before."""

    progress: IssueProgress
    speedometer: Speedometer

    @property
    def issue(self) -> Issue:
        return self.progress.issue

    @property
    def standing(self) -> Standing:
        return Standing.of(self.progress.sums)

    @property
    def is_over(self) -> bool:
        """Whether it is finished or cancelled, and no mail of it is under way or waits to be cancelled."""
        return self.issue.state in OVER and not self.standing.left

    @property
    def rate(self) -> float | None:
        """Mails per second; None where there is none yet, or no more."""
        return None if self.is_over else self.speedometer.rate

    @property
    def remaining(self) -> timedelta | None:
        """None where nobody can say, as while it is paused."""
        going = self.issue.state is IssueState.SENDING or self.is_over
        return remaining(self.standing.left, self.rate) if going else None

    def told(self) -> Mapping[str, object]:
        """For programs: what can be written as JSON. Times are ISO 8601, durations seconds."""
        progress, standing, time_left = self.progress, self.standing, self.remaining
        return {
            **told_of_issue(progress.issue),
            "remedy": remedy_of(progress.issue),
            "sums": {state.value: progress.sums.get(state, 0) for state in DeliveryState},
            "total": standing.total,
            "left": standing.left,
            "possibly_twice": progress.possibly_twice,
            "rate": None if self.rate is None else round(self.rate, 2),
            "seconds_left": None if time_left is None else round(time_left.total_seconds()),
            "limited": progress.limited,
            "held_back": [told_of_breaker(breaker) for breaker in progress.held_back],
        }


def told_of_issue(issue: Issue) -> Mapping[str, object]:
    return {
        "id": str(issue.id),
        "title": issue.title,
        "state": issue.state.value,
        "audience": issue.audience,
        "published_at": _iso(issue.published_at),
        "finished_at": _iso(issue.finished_at),
        "pause_reason": issue.pause_reason,
        "pause_cause": issue.pause_cause.value if issue.pause_cause else None,
    }


def told_of_breaker(breaker: Breaker) -> Mapping[str, object]:
    return {
        "scope": breaker.key.scope.value,
        "subject": breaker.key.subject,
        "reason": breaker.reason,
        "next_try_at": _iso(breaker.open_until),
        "remedy": HELD_BACK[breaker.key.scope],
    }


def told_of_doubt(doubt: InDoubt) -> Mapping[str, object]:
    return {
        "recipient": str(doubt.key.recipient),
        "email": doubt.email.text if doubt.email else None,
        "attempts": doubt.attempts,
        "resend_at": _iso(doubt.resend_at),
        "reply": doubt.reply.text if doubt.reply else None,
    }


def told_of_failure(failed: FailedDelivery) -> Mapping[str, object]:
    return {
        "recipient": str(failed.key.recipient),
        "email": failed.email.text if failed.email else None,
        "attempts": failed.attempts,
        "code": failed.reply.code if failed.reply else None,
        "reply": failed.reply.text if failed.reply else None,
    }


def words_of_reply(reply: Reply | None) -> str:
    """What the server said, with its code; what is said where nobody asked it."""
    if reply is None:
        return "(not tried: its time was over)"
    return " ".join(filter(None, [str(reply.code or ""), reply.text]))


def _iso(at: Instant | None) -> str | None:
    return at.isoformat() if at else None
