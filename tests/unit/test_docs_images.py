"""The pictures that the documentation shows; `tests.screenshots` makes them anew."""

import re
from pathlib import Path

import pytest

from tests.support.documentation import DOCS, PAGES, ROOT, prose
from tests.support.pictures import size_of

IMAGES = sorted((DOCS / "images").iterdir())
SHOWN = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)\)")

# Octets, as chromium writes the largest of them. All together load in a blink, and stay small in a clone's history.
LARGEST = 128 * 1024


def shown(page: Path) -> dict[Path, str]:
    """The pictures on a page, each with the words for those who cannot see it."""
    return {(page.parent / path).resolve(): words for words, path in SHOWN.findall(prose(page))}


@pytest.mark.parametrize("image", IMAGES, ids=lambda path: path.name)
def test_a_picture_is_a_small_png_that_some_page_shows(image: Path) -> None:
    content = image.read_bytes()
    assert min(size_of(content)) >= 300
    assert len(content) <= LARGEST
    assert any(image in shown(page) for page in PAGES)


def test_the_readme_shows_the_main_pages_and_says_what_is_to_be_seen() -> None:
    pictures = shown(ROOT / "README.md")
    assert len(pictures) >= 9
    assert all(path.is_file() and len(words.split()) >= 3 for path, words in pictures.items())


def test_what_is_no_png_is_told() -> None:
    with pytest.raises(ValueError, match="no PNG"):
        size_of(b"GIF89a")
