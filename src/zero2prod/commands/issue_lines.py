"""How far an issue is, in lines for a terminal."""

from collections.abc import Sequence
from textwrap import wrap

from zero2prod.calling import program
from zero2prod_core.domain.deliveries import DeliveryState
from zero2prod_core.domain.issues import IssueState
from zero2prod_core.domain.progress import Standing, rate_in_words, time_in_words
from zero2prod_core.domain.progress_reports import ProgressReport
from zero2prod_core.domain.remedies import HELD_BACK, RATED, cause_of, remedy_of
from zero2prod_core.domain.state_words import MEANINGS

SHORTEST_BAR = 10
"""Columns below which a bar says less than the percentage beside it."""

LONGEST_BAR = 50
"""Columns above which nobody sees more."""

GAP = "   "


def page_of(report: ProgressReport) -> list[str]:
    """Everything about it, a fact a line: its name, a tab, and what it is."""
    issue, sums = report.issue, report.progress.sums
    lines = [issue.title, f"state\t{issue.state}", f"recipients\t{issue.audience}"]
    lines += [f"{state}\t{count}\t{MEANINGS[state]}" for state in DeliveryState if (count := sums.get(state, 0))]
    lines += [f"in all\t{report.standing.total}", f"possibly twice\t{report.progress.possibly_twice}"]
    return [*lines, *(f"{name}\t{words}" for name, words in [*_what_stands_still(report), *_what_failed(report)])]


def _what_stands_still(report: ProgressReport) -> list[tuple[str, str]]:
    """Name and words of whatever keeps mail from going, each followed by what to do."""
    issue = report.issue
    facts = []
    if remedy := remedy_of(issue):
        facts += [("paused", issue.pause_reason or "by hand"), ("remedy", remedy)]
    if report.progress.sums.get(DeliveryState.UNCERTAIN):
        facts += [("uncertain ones", _of_doubts(report))]
    if report.progress.waits_for_rates:
        facts += [("rate", RATED)]
    if issue.state is IssueState.SENDING:
        for breaker in report.progress.held_back:
            facts += [("held back", f"{cause_of(breaker)}. Next try: {breaker.open_until:%Y-%m-%d %H:%M:%S} UTC")]
            facts += [("remedy", HELD_BACK[breaker.key.scope])]
    return facts


def _what_failed(report: ProgressReport) -> list[tuple[str, str]]:
    if not report.progress.sums.get(DeliveryState.FAILED):
        return []
    return [("failed ones", f"who and why: {program()} issues failures {report.issue.id}")]


def _of_doubts(report: ProgressReport) -> str:
    look = f"{program()} issues uncertain {report.issue.id}"
    if report.progress.resends:
        return f"are sent again by themselves, unless a late answer settles them. To decide at once: {look}"
    return f"wait for a person, who resends or accepts them: {look}"


def picture_of(report: ProgressReport, width: int) -> list[str]:
    """For a screen of ``width`` columns: title, bar, sums, and what stands still."""
    fill = width - len(_numbers(report)) - len(GAP) - len("[]")
    drawn = bar(report.standing, min(fill, LONGEST_BAR))
    lines = [report.issue.title, GAP.join(filter(None, [drawn, _numbers(report)])), *_flowed(_sums(report), width)]
    facts = [f"{name}: {words}" for name, words in [*_what_stands_still(report), *_what_failed(report)]]
    return [line[:width] for line in lines] + [part for fact in facts for part in wrap(fact, width)]


def line_of(report: ProgressReport) -> str:
    """For a file or another program, at each change."""
    return GAP.join([_numbers(report), *_sums(report), *(f"{name}: {x}" for name, x in _what_stands_still(report))])


def bar(standing: Standing, width: int) -> str:
    """In brackets, filled by what is done; empty where there is no room for one."""
    if width < SHORTEST_BAR:
        return ""
    filled = width * standing.done // standing.total if standing.total else width
    return f"[{'#' * filled}{'-' * (width - filled)}]"


def _numbers(report: ProgressReport) -> str:
    standing, time_left = report.standing, time_in_words(report.remaining)
    numbers = [f"{report.issue.state}", f"{standing.percent} %", f"{standing.done:,} of {standing.total:,}"]
    if not report.is_over:
        numbers += [rate_in_words(report.rate), f"{time_left} left" if time_left else ""]
    return GAP.join(filter(None, numbers))


def _flowed(items: Sequence[str], width: int) -> list[str]:
    """As many in each line as it has room for; none is broken."""
    lines: list[str] = []
    for item in items:
        if lines and len(lines[-1]) + len(GAP) + len(item) <= width:
            lines[-1] += GAP + item
        else:
            lines.append(item)
    return lines


def _sums(report: ProgressReport) -> list[str]:
    sums = [f"{state} {count:,}" for state in DeliveryState if (count := report.progress.sums.get(state, 0))]
    twice = report.progress.possibly_twice
    return [*sums, *([f"possibly twice {twice:,}"] if twice else [])] or ["nobody to send it to"]
