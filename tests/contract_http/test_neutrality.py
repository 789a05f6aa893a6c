"""The suite knows nothing of the implementation that it tests but by ``implementation.py``."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

OURS = re.compile(r"(?:zero2prod|adapters_)")
IMPLEMENTATION = "implementation.py"

# What stands on nothing of ours either.
NEUTRAL = {"tests.support.postmark_server", "tests.support.waiting"}


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


@pytest.mark.parametrize("path", sorted(HERE.glob("*.py")), ids=lambda path: path.name)
def test_no_file_imports_the_implementation(path: Path) -> None:
    found = set(imports(path))
    assert [name for name in found if OURS.match(name)] == []
    if path.name != IMPLEMENTATION:
        others = {name for name in found if name.startswith("tests.") and not name.startswith("tests.contract_http")}
        assert others <= NEUTRAL
        assert "tests.contract_http.implementation" not in found


@pytest.mark.parametrize("name", sorted(NEUTRAL))
def test_what_they_import_does_not_either(name: str) -> None:
    found = set(imports(ROOT / f"{name.replace('.', '/')}.py"))
    assert found
    assert [each for each in found - NEUTRAL if OURS.match(each) or each.startswith("tests")] == []
