"""What every test stands on: no settings from outside, and no silent skip."""

import os
import shutil
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

pytest_plugins = ["tests.support.postgres"]

SYSTEM_PACKAGES = Path(__file__).with_name("system-packages.txt")

# .ci/run sets it: there a test that cannot run for want of something is a failure.
NO_SKIPS = "TEST_NO_SKIPS"

# The gate repeats itself, so that nobody's change fails for a find of the day; `make soak` goes looking for finds.
# The time limit of a test is pytest's, which a busy machine does not reach.
settings.register_profile("gate", deadline=None, derandomize=True, database=None)
settings.register_profile("search", deadline=None, max_examples=2000, print_blob=True)
# Where what the gate has found right is run once more, from elsewhere.
settings.register_profile("again", deadline=None, derandomize=True, database=None, max_examples=10)
settings.load_profile("gate")

PLAINLY = [
    *structlog.get_config()["processors"][:-1],
    structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
]


def pytest_configure() -> None:
    """Forget the settings of whoever runs the tests, for us and for the processes that tests start.

    A traceback in the log is told as the service tells it: by default it would be drawn with every frame's variables,
    which takes seconds.
    """
    structlog.configure(processors=PLAINLY)
    for name in [name for name in os.environ if name.startswith("ZERO2PROD_")]:
        del os.environ[name]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test that lacks root or a system package in one line that says what to do; under .ci/run, fail it."""
    missing = _missing(item)
    if missing and os.environ.get(NO_SKIPS):
        pytest.fail(f"{missing} ({NO_SKIPS} is set)", pytrace=False)
    if missing:
        pytest.skip(missing)


def _missing(item: pytest.Item) -> str | None:
    if item.get_closest_marker("root") and os.geteuid() != 0:
        return "needs root: run it by sudo"
    for mark in item.iter_markers("system_package"):
        package, program = mark.args
        if package not in SYSTEM_PACKAGES.read_text().split():
            pytest.fail(f"{package} is not listed in tests/{SYSTEM_PACKAGES.name}", pytrace=False)
        # Debian keeps servers outside the path of ordinary users.
        if not shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin"):
            return f"needs the program {program}: apt-get install {package}"
    return None
