"""The page's table of Postmark's answers says what the code does, for every error code and every HTTP status."""

import re
from collections.abc import Iterator, Sequence

import attrs
import pytest

from tests.support.documentation import DOCS
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
from zero2prod_core.domain.replies import Phase, Verdict, postmark_outcome_of

HEAD = "| error code | HTTP status | says | becomes |\n|---|---|---|---|\n"

NUMBERS = re.compile(r"(\d+)(?: to (\d+))?")

ANY = range(40_000)


def relay(reply: Reply) -> Outcome:
    return Throttled(reply, Scope.RELAY)


def dead(reply: Reply) -> Outcome:
    return Rejected(reply, suppress=True)


VERDICTS: dict[str, Verdict] = {
    "sent": Sent,
    "failed": Rejected,
    "failed; the e-mail address is suppressed": dead,
    "the issue pauses with the words of the answer": SenderFault,
    "pending, the attempt not counted": relay,
    "deferred": Deferred,
    "uncertain": Uncertain,
}


@attrs.frozen
class Rule:
    """What the page says of these numbers."""

    numbers: range
    verdict: Verdict


def rules(column: int) -> Iterator[Rule]:
    """Of the page's error codes (column 0) or HTTP statuses (column 1)."""
    table = (DOCS / "explanation" / "delivery.md").read_text().partition(HEAD)[2].partition("\n\n")[0]
    for line in table.splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        named = [range(int(first), int(last or first) + 1) for first, last in NUMBERS.findall(cells[column])]
        for numbers in named or ([ANY] if cells[column] == "any other" else []):
            yield Rule(numbers, VERDICTS[cells[-1]])


def told(number: int, rules: Sequence[Rule]) -> Outcome:
    """What is said of fewer numbers goes before what is said of more."""
    rule = min((rule for rule in rules if number in rule.numbers), key=lambda rule: len(rule.numbers))
    return rule.verdict(Reply(number, ""))


CODES, STATUSES = list(rules(0)), list(rules(1))

DECIDING = [rule for rule in STATUSES if len(rule.numbers) == 1]


def test_the_page_has_a_word_for_each_outcome() -> None:
    assert {rule.verdict for rule in (*CODES, *STATUSES)} == set(VERDICTS.values())


@pytest.mark.parametrize("status", [200, 422])
def test_an_error_code_becomes_what_the_page_says(status: int) -> None:
    codes = range(status != 200, 2000)
    assert {code: postmark_outcome_of(Phase.END, status, code, "") for code in codes} == {
        code: told(code, CODES) for code in codes
    }


def test_so_does_an_http_status_without_one() -> None:
    statuses = range(200, 600)
    assert {status: postmark_outcome_of(Phase.END, status, None, "") for status in statuses} == {
        status: told(status, STATUSES) for status in statuses
    }


@pytest.mark.parametrize("rule", DECIDING, ids=lambda rule: str(rule.numbers.start))
@pytest.mark.parametrize("code", [0, 10, 100, 300, 406, 999])
def test_a_status_that_stands_there_by_its_number_decides(rule: Rule, code: int) -> None:
    assert postmark_outcome_of(Phase.END, rule.numbers.start, code, "") == rule.verdict(Reply(code, ""))
