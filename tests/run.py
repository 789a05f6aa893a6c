"""All tests, as ``make test`` runs them: most of them traced for coverage, then those that tracing would only slow, and
last, one at a time, those that it or another test would spoil.

The last line sums the passes: ``N passed, N failed``, and how many were skipped if any were. Exit status 1 if a test
failed, if branch coverage is below its gate in ``pyproject.toml``, or if nothing was tested at all.
"""

import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

# Each worker holds a PostgreSQL of its own and works beside the processes it starts: more than two starve one another.
WORKERS = "2"

SIDE_BY_SIDE = ("-n", WORKERS, "--dist", "worksteal")
TRACED = ("coverage", "run", "-m", "pytest", "-m", "not soak and not untraced and not alone", *SIDE_BY_SIDE)
UNTRACED = ("pytest", "-m", "untraced and not soak", *SIDE_BY_SIDE)
ALONE = ("pytest", "-m", "alone and not soak")

NO_TESTS_COLLECTED = 5


def main(arguments: list[str]) -> int:
    """Run all passes with ``arguments`` for pytest, and judge the coverage unless they chose some tests."""
    outcomes: Counter[str] = Counter()
    python("coverage", "erase")
    statuses = [suite(command, arguments, outcomes) for command in (TRACED, UNTRACED, ALONE)]
    python("coverage", "combine", "--quiet")
    if not arguments:
        statuses.append(python("coverage", "report"))
    print(summary(outcomes))
    return 1 if any(statuses) or not outcomes["passed"] else 0


def suite(command: tuple[str, ...], arguments: list[str], outcomes: Counter[str]) -> int:
    """One pass of pytest; adds what became of its tests to ``outcomes``. A pass without tests is none that failed."""
    with tempfile.TemporaryDirectory() as directory:
        report = Path(directory, "report.xml")
        status = python(*command, f"--junitxml={report}", *arguments)
        if report.exists():
            outcomes.update(outcome(case) for case in ET.parse(report).iter("testcase"))  # noqa: S314 - our own pytest wrote it a moment ago
    return 0 if status == NO_TESTS_COLLECTED else status


def outcome(case: ET.Element) -> str:
    """What became of one test: an error while setting it up or clearing it away is a failure too."""
    children = {child.tag for child in case}
    if children & {"failure", "error"}:
        return "failed"
    return "skipped" if "skipped" in children else "passed"


def summary(outcomes: Counter[str]) -> str:
    """The line that a person, and whatever runs this in their place, reads first."""
    skipped = f", {outcomes['skipped']} skipped" if outcomes["skipped"] else ""
    return f"{outcomes['passed']} passed, {outcomes['failed']} failed{skipped}"


def python(*module_and_arguments: str) -> int:
    """Run a module of this environment; returns its exit status."""
    sys.stdout.flush()
    return subprocess.run([sys.executable, "-m", *module_and_arguments], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
