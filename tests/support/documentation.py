"""The pages of the documentation and the blocks of code in them."""

import re
from collections.abc import Iterator
from pathlib import Path

import attrs

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])

FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@attrs.frozen
class Example:
    """A fenced block; ``follows`` is the one after it, if no heading stands between."""

    page: Path
    language: str
    code: str
    follows: "Example | None" = None

    def __str__(self) -> str:
        return f"{relative(self.page)}: {self.code.splitlines()[0]}"


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def prose(page: Path) -> str:
    return FENCED.sub("", page.read_text())


def examples(*languages: str) -> list[Example]:
    """The blocks in these languages of all pages; without languages, all blocks."""
    return [
        example for page in PAGES for example in examples_of(page) if example.language in languages or not languages
    ]


def examples_of(page: Path) -> Iterator[Example]:
    text = page.read_text()
    matches = list(FENCED.finditer(text))
    for place, match in enumerate(matches):
        after = matches[place + 1] if place + 1 < len(matches) else None
        near = after and not re.search("^#", text[match.end() : after.start()], re.MULTILINE)
        follows = Example(page, after[1], after[2]) if after and near else None
        yield Example(page, match[1], match[2], follows)


def blocks(page: str, *languages: str) -> list[str]:
    """The code of a how-to's blocks in these languages; ``page`` is its name, such as ``back-up-and-restore``."""
    found = [each.code for each in examples_of(DOCS / "how-to" / f"{page}.md") if each.language in languages]
    assert found, f"{page} has no block in {languages}"
    return found
