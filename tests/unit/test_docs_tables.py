"""The tables of the how-tos about readers have what the code has: every status, and every type of a field."""

import re

from tests.support.documentation import DOCS
from zero2prod_core.domain.fields import FieldType
from zero2prod_core.domain.subscriber_words import STATUSES


def first_cells(page: str, head: str) -> list[str]:
    """Of the how-to's table that begins with this head."""
    table = (DOCS / "how-to" / f"{page}.md").read_text().partition(f"\n| {head} |")[2].partition("\n\n")[0]
    _, _, rows = table.partition("---|\n")
    return re.findall(r"^\| ([^|]+?) \|", rows, re.MULTILINE)


def test_every_status_that_the_staff_see_is_explained() -> None:
    assert sorted(first_cells("look-after-a-reader", "status")) == sorted(STATUSES.values())


def test_every_type_of_a_field_is_explained() -> None:
    assert sorted(first_cells("ask-readers-more", "type")) == sorted(f"`{kind}`" for kind in FieldType)
