"""What the suite needs, and what it says when that is not there."""

from pathlib import Path

import pytest

from tests.support.isolation import import_all_of, link_packages, run_isolated

HYPOTHESIS = (
    "hypothesis",
    "sortedcontainers",
    "_hypothesis_pytestplugin",
    "_hypothesis_ftz_detector",
    "_hypothesis_globals",
)
PYTEST = ("pytest", "_pytest", "py", "pluggy", "iniconfig", "packaging", "pygments")


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """attrs, the core and this package, and nothing else."""
    link_packages(tmp_path, "attr", "attrs", "zero2prod", "zero2prod_core")
    return tmp_path


def test_it_needs_attrs_pytest_and_hypothesis_alone(library: Path) -> None:
    link_packages(library, *PYTEST, *HYPOTHESIS)
    result = run_isolated(import_all_of("zero2prod.testing"), library)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("present", [(), HYPOTHESIS, PYTEST], ids=["neither", "no pytest", "no hypothesis"])
def test_what_is_missing_is_told_with_the_extra_that_brings_it(library: Path, present: tuple[str, ...]) -> None:
    link_packages(library, *present)
    result = run_isolated("import zero2prod.testing", library)
    assert result.returncode == 1
    last = result.stderr.splitlines()[-1]
    assert last.endswith("zero2prod.testing needs pytest and hypothesis: pip install 'zero2prod[testing]'")
