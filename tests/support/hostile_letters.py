"""Letters that nobody writes by mistake."""

import attrs

from tests.support.parcels import issue
from zero2prod.testing.builders import new_id
from zero2prod_core.domain.letters import Letter

ENDLESS = "<style>" + "".join(f"p:not(.b{n}){{color:red}}" for n in range(20_000)) + "</style>" + "<p>x" * 100_000
"""Two thousand million comparisons."""

TOO_DEEP = "<style>p q{color:red}</style>" + "<b>" * 100_000
"""More than a stack holds: the process that reads it dies."""


def letter_of(html: str | None) -> Letter:
    """A letter with an id of its own, because what is said is kept by the letter's id."""
    return attrs.evolve(issue(text=None, html=html), id=new_id())
