"""How far an issue is, in the words of its page: at first by the template, then by its script, place by place."""

from collections.abc import Mapping

from zero2prod_core.domain.deliveries import DeliveryState
from zero2prod_core.domain.issues import IssueState
from zero2prod_core.domain.progress import rate_in_words, time_in_words
from zero2prod_core.domain.progress_reports import ProgressReport
from zero2prod_core.domain.remedies import HELD_BACK, RATED, cause_of

__all__ = ["kind_of_page", "told_to_page", "words_of"]


def words_of(report: ProgressReport) -> Mapping[str, str]:
    """Place on the page → what stands there; a place with nothing in it is hidden."""
    standing, time_left = report.standing, time_in_words(report.remaining)
    sums = {state.value: _number(report.progress.sums.get(state, 0)) for state in DeliveryState}
    return {
        **sums,
        "total": f"{standing.total:,}",
        "done": f"{standing.percent} %: {standing.done:,} of {standing.total:,} mails are done",
        "rate": rate_in_words(report.rate),
        "time_left": "" if report.is_over else time_left,
        "possibly_twice": _number(report.progress.possibly_twice),
        "rated": RATED if report.progress.waits_for_rates else "",
        "held_back": "\n".join(_held_back(report)),
        "amiss": _amiss(report),
    }


def kind_of_page(report: ProgressReport) -> str:
    """What decides which buttons there are: once it changes, the page has to be loaded anew."""
    sums = report.progress.sums
    parts = [
        report.issue.state,
        *(state for state in (DeliveryState.UNCERTAIN, DeliveryState.FAILED) if sums.get(state)),
    ]
    return " ".join([*parts, *(["over"] if report.is_over else [])])


def told_to_page(report: ProgressReport) -> Mapping[str, object]:
    """An event: what programs are told, and beside it what a page shows."""
    done = report.standing.done
    return {**report.told(), "page": {"kind": kind_of_page(report), "done": done, "words": words_of(report)}}


def _number(count: int) -> str:
    return f"{count:,}" if count else ""


def _held_back(report: ProgressReport) -> list[str]:
    if report.issue.state is not IssueState.SENDING:
        return []
    return [
        f"{cause_of(breaker)}. Next try at {breaker.open_until:%H:%M:%S} UTC. {HELD_BACK[breaker.key.scope]}"
        for breaker in report.progress.held_back
    ]


def _amiss(report: ProgressReport) -> str:
    """Deliveries are made when it is published, and none is ever lost: if the sums say otherwise, that is our fault."""
    total, audience = report.standing.total, report.issue.audience
    return "" if total == audience else f"These are not the {audience:,} of its recipients. Please report this fault."
