"""The tutorial goes the way of the checklist, and names what is on the screen as it is on the screen."""

import html
import re
from collections.abc import Iterator

import pytest

from adapters_http.form_texts import CONFIRM_FORM, SUBSCRIBE_FORM, UNSUBSCRIBE_FORM
from adapters_http.routes.checklist import TITLES
from adapters_http.wording import LABELS
from tests.support.documentation import DOCS, ROOT, prose
from zero2prod_core.domain.checklist import Step

TUTORIAL = DOCS / "tutorials" / "first-issue.md"

SCREENS = ("src/adapters_http/ui/templates/*.html", "src/zero2prod/templates/mailbox/*.html", "src/*/templates/*/*.txt")

SPOKEN = ("src/adapters_http/routes/*.py", "src/zero2prod/supervisor.py")
"""Flashes, and what the terminal says."""


def words(text: str) -> str:
    return " ".join(text.split())


def shown() -> Iterator[str]:
    """Whatever a page, a mail or the terminal may show."""
    yield from (text for form in (SUBSCRIBE_FORM, CONFIRM_FORM, UNSUBSCRIBE_FORM) for text in form.words.values())
    yield from LABELS.values()
    for pattern in (*SCREENS, *SPOKEN):
        for path in ROOT.glob(pattern):
            yield words(html.unescape(re.sub(r"</?(?:bdi|strong)>", "", path.read_text())))


def test_its_steps_are_the_checklists() -> None:
    headings = re.findall(r"^## \d+\. (.*)$", TUTORIAL.read_text(), re.MULTILINE)
    first = headings.index(TITLES[Step.SUBSCRIBE])
    assert headings[first : first + len(Step)] == [TITLES[step] for step in Step]


@pytest.mark.parametrize(
    "phrase", sorted({words(each) for each in re.findall(r"\*\*(.+?)\*\*", prose(TUTORIAL), re.DOTALL)})
)
def test_what_is_bold_is_on_the_screen(phrase: str) -> None:
    assert phrase == "bold" or any(phrase in text for text in shown())
