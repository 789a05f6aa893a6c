"""The documentation as a static site: it builds without a warning, and loads nothing from elsewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.documentation import DOCS, ROOT

LOADED = re.compile(r"<(?:script|img|iframe)\b[^>]*\bsrc=[\"'](?:https?:)?//|<link\b[^>]*\bhref=[\"'](?:https?:)?//")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make docs` builds."""
    directory = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(directory)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return directory


def test_every_page_is_in_the_site(site: Path) -> None:
    pages = [page.relative_to(DOCS).with_suffix(".html") for page in DOCS.rglob("*.md")]
    made = [page.with_name("index.html") if page.name == "README.html" else page for page in pages]
    assert [str(page) for page in made if not (site / page).is_file()] == []


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    assert [page.name for page in site.rglob("*.html") if LOADED.search(page.read_text())] == []
