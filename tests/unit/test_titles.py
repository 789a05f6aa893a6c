"""Who has many tabs open, or hears pages read out, tells them by their titles."""

import re
from collections import Counter
from pathlib import Path

import pytest

from adapters_http.pages import TEMPLATES
from adapters_http.problems import HEADINGS, OTHER_HEADING, STATUSES
from zero2prod import mailbox_page

MAILBOX = Path(mailbox_page.__file__).parent / "templates" / "mailbox"

TITLE = re.compile(r"{% block title %}(.*?){% endblock %}", re.DOTALL)


def repeated(texts: list[str]) -> list[str]:
    return [text for text, count in Counter(texts).items() if count > 1]


@pytest.mark.parametrize("place", [TEMPLATES, MAILBOX], ids=["site", "mailbox"])
def test_no_two_pages_have_the_same_title(place: Path) -> None:
    titles = [
        title for path in place.glob("*.html") if path.name != "base.html" for title in TITLE.findall(path.read_text())
    ]
    assert len(titles) >= 3
    assert repeated(titles) == []


def test_no_two_error_pages_have_the_same_heading() -> None:
    assert {*STATUSES.values()} <= {*HEADINGS}
    assert repeated([*HEADINGS.values(), OTHER_HEADING]) == []
