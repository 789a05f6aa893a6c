"""The examples do what the how-to guides say, in a pytest without our plugins and our settings."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.documentation import DOCS, ROOT, blocks

EXAMPLES = ROOT / "examples"

TOLD = {
    "property_test/test_newsletter_rules.py": "write-property-tests",
    "own_adapter/file_locks.py": "test-your-own-adapter",
    "own_adapter/test_file_locks.py": "test-your-own-adapter",
}
"""File → the guide that shows it."""


def copied(name: str, to: Path) -> Path:
    """An example in a directory of its own, where no settings of this project are found."""
    return shutil.copytree(EXAMPLES / name, to / name, ignore=shutil.ignore_patterns("__pycache__"))


def run_tests(directory: Path, *chosen: str) -> tuple[int, str]:
    """The status and the output of pytest, called there as its users would, without pytest-asyncio."""
    command = [sys.executable, "-m", "pytest", "-p", "no:asyncio", "-p", "no:cacheprovider", *chosen]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def passed(output: str) -> int:
    """How many tests passed, if none did anything else."""
    found = re.search(r"^=+ (\d+) passed in .*=$", output, re.MULTILINE)
    assert found, output
    return int(found[1])


@pytest.mark.parametrize(("name", "at_least"), [("property_test", 1), ("own_adapter", 200)])
def test_an_examples_tests_pass(name: str, at_least: int, tmp_path: Path) -> None:
    status, output = run_tests(copied(name, tmp_path))
    assert status == 0, output
    assert passed(output) >= at_least


def test_an_adapter_that_breaks_its_promise_is_told_in_plain_words(tmp_path: Path) -> None:
    directory = copied("own_adapter", tmp_path)
    adapter = directory / "file_locks.py"
    adapter.write_text(adapter.read_text().replace("flock(file, LOCK_EX | LOCK_NB)", "pass"))
    status, output = run_tests(directory, "test_file_locks.py::TestFileLocks")
    assert status == 1
    assert "1 failed, 2 passed" in output
    (shown,) = blocks("test-your-own-adapter", "text")
    assert shown in output


@pytest.mark.parametrize(("file", "guide"), TOLD.items())
def test_a_guide_shows_an_example_as_it_is(file: str, guide: str) -> None:
    assert (EXAMPLES / file).read_text() in blocks(guide, "python")


def test_a_guide_names_every_class_of_the_suite() -> None:
    from zero2prod import testing

    told = set(re.findall(r"`(\w+)`", (DOCS / "how-to" / "test-your-own-adapter.md").read_text()))
    assert set(testing.__all__) <= told
