"""How far an issue is, in lines for a terminal."""

from textwrap import wrap

from zero2prod.calling import program
from zero2prod_core.domain.deliveries import DeliveryState
from zero2prod_core.domain.issues import IssueState
from zero2prod_core.domain.letters import UncertainPolicy
from zero2prod_core.domain.progress import Standing, rate_in_words, time_in_words
from zero2prod_core.domain.remedies import HELD_BACK, cause_of, remedy_of
from zero2prod_core.usecases.outlook import Outlook

SHORTEST_BAR = 10
"""Columns below which a bar says less than the percentage beside it."""

LONGEST_BAR = 50
"""Columns above which nobody sees more."""

GAP = "   "


def page_of(outlook: Outlook) -> list[str]:
    """Everything about it, a fact a line: its name, a tab, and what it is."""
    issue, sums = outlook.issue, outlook.progress.sums
    lines = [issue.title, f"state\t{issue.state}", f"recipients\t{issue.audience}"]
    lines += [f"{state}\t{count}" for state in DeliveryState if (count := sums.get(state, 0))]
    lines += [f"in all\t{outlook.standing.total}", f"possibly twice\t{outlook.progress.possibly_twice}"]
    return [*lines, *(f"{name}\t{words}" for name, words in _what_stands_still(outlook))]


def _what_stands_still(outlook: Outlook) -> list[tuple[str, str]]:
    """Name and words of whatever keeps mail from going, each followed by what to do."""
    issue = outlook.issue
    facts = []
    if remedy := remedy_of(issue):
        facts += [("paused", issue.pause_reason or "by somebody"), ("remedy", remedy)]
    if outlook.progress.sums.get(DeliveryState.UNCERTAIN):
        facts += [("uncertain ones", _of_doubts(outlook))]
    if issue.state is IssueState.SENDING:
        for breaker in outlook.progress.held_back:
            facts += [("held back", f"{cause_of(breaker)}. Next try: {breaker.open_until:%Y-%m-%d %H:%M:%S} UTC")]
            facts += [("remedy", HELD_BACK[breaker.key.scope])]
    return facts


def _of_doubts(outlook: Outlook) -> str:
    look = f"{program()} issues uncertain {outlook.issue.id}"
    resends = outlook.progress.letter.uncertain is UncertainPolicy.RESEND and outlook.issue.state is IssueState.SENDING
    if resends:
        return f"are sent again by themselves, unless a late answer settles them. To decide at once: {look}"
    return f"wait for a person, who resends or accepts them: {look}"


def picture_of(outlook: Outlook, width: int) -> list[str]:
    """For a screen of ``width`` columns: title, bar, sums, and what stands still."""
    fill = width - len(_numbers(outlook)) - len(GAP) - len("[]")
    drawn = bar(outlook.standing, min(fill, LONGEST_BAR))
    lines = [outlook.issue.title, GAP.join(filter(None, [drawn, _numbers(outlook)])), _sums(outlook)]
    facts = [f"{name}: {words}" for name, words in _what_stands_still(outlook)]
    return [line[:width] for line in lines] + [part for fact in facts for part in wrap(fact, width)]


def line_of(outlook: Outlook) -> str:
    """For a file or another program, at each change."""
    return GAP.join([_numbers(outlook), _sums(outlook), *(f"{name}: {x}" for name, x in _what_stands_still(outlook))])


def bar(standing: Standing, width: int) -> str:
    """In brackets, filled by what is done; empty where there is no room for one."""
    if width < SHORTEST_BAR:
        return ""
    filled = width * standing.done // standing.total if standing.total else width
    return f"[{'#' * filled}{'-' * (width - filled)}]"


def _numbers(outlook: Outlook) -> str:
    standing, time_left = outlook.standing, time_in_words(outlook.remaining)
    numbers = [f"{outlook.issue.state}", f"{standing.percent} %", f"{standing.done:,} of {standing.total:,}"]
    if not outlook.is_over:
        numbers += [rate_in_words(outlook.rate), f"{time_left} left" if time_left else ""]
    return GAP.join(filter(None, numbers))


def _sums(outlook: Outlook) -> str:
    sums = [f"{state} {count:,}" for state in DeliveryState if (count := outlook.progress.sums.get(state, 0))]
    twice = outlook.progress.possibly_twice
    return GAP.join([*sums, *([f"possibly twice {twice:,}"] if twice else [])]) or "nobody to send it to"
