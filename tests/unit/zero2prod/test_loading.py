"""What is loaded before anything happens, while a person waits: no more than is needed."""

import subprocess
import sys

import pytest

LOADED = "import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"

HTTP = {"aiohttp", "aiohttp_jinja2", "jinja2"}
MAIL = {"aiosmtpd", "cryptography", "inscriptis", "lxml", "markdown_it"}


def loaded(module: str) -> set[str]:
    """The packages that one import brings into a new process."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED.format(module=module)], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("module", "needless"),
    [("cli", HTTP | MAIL), ("sending", HTTP), ("serving", MAIL - {"cryptography"})],
)
def test_a_command_does_not_load_what_others_need(module: str, needless: set[str]) -> None:
    assert not loaded(f"zero2prod.{module}") & needless


def test_the_service_loads_what_is_looked_for_here() -> None:
    assert loaded("zero2prod.supervisor, zero2prod.sending") >= HTTP | MAIL
