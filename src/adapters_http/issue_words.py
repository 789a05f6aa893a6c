"""How far an issue is, in the words of its page: at first by the template, then by its script, place by place."""

from collections.abc import Mapping

from zero2prod_core.domain.deliveries import DeliveryState
from zero2prod_core.domain.issues import IssueState
from zero2prod_core.domain.progress import rate_in_words, time_in_words
from zero2prod_core.domain.remedies import HELD_BACK, cause_of
from zero2prod_core.usecases.outlook import Outlook

__all__ = ["kind_of_page", "told_to_page", "words_of"]


def words_of(outlook: Outlook) -> Mapping[str, str]:
    """Place on the page → what stands there; a place with nothing in it is hidden."""
    standing, time_left = outlook.standing, time_in_words(outlook.remaining)
    sums = {state.value: _number(outlook.progress.sums.get(state, 0)) for state in DeliveryState}
    return {
        **sums,
        "total": f"{standing.total:,}",
        "done": f"{standing.percent} %: {standing.done:,} of {standing.total:,} mails are done",
        "rate": rate_in_words(outlook.rate),
        "time_left": "" if outlook.is_over else time_left,
        "possibly_twice": _number(outlook.progress.possibly_twice),
        "held_back": "\n".join(_held_back(outlook)),
        "amiss": _amiss(outlook),
    }


def kind_of_page(outlook: Outlook) -> str:
    """What decides which buttons there are: once it changes, the page has to be loaded anew."""
    sums = outlook.progress.sums
    parts = [
        outlook.issue.state,
        *(state for state in (DeliveryState.UNCERTAIN, DeliveryState.FAILED) if sums.get(state)),
    ]
    return " ".join([*parts, *(["over"] if outlook.is_over else [])])


def told_to_page(outlook: Outlook) -> Mapping[str, object]:
    """An event: what programs are told, and beside it what a page shows."""
    done = outlook.standing.done
    return {**outlook.told(), "page": {"kind": kind_of_page(outlook), "done": done, "words": words_of(outlook)}}


def _number(count: int) -> str:
    return f"{count:,}" if count else ""


def _held_back(outlook: Outlook) -> list[str]:
    if outlook.issue.state is not IssueState.SENDING:
        return []
    return [
        f"{cause_of(breaker)}. Next try at {breaker.open_until:%H:%M:%S} UTC. {HELD_BACK[breaker.key.scope]}"
        for breaker in outlook.progress.held_back
    ]


def _amiss(outlook: Outlook) -> str:
    """Deliveries are made when it is published, and none is ever lost: if the sums say otherwise, that is our fault."""
    total, audience = outlook.standing.total, outlook.issue.audience
    return "" if total == audience else f"These are not the {audience:,} of its recipients. Please report this fault."
