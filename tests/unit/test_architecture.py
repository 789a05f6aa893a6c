"""The walls of the house: what may be imported where, what files are called, and how long anything may grow.

Who may import whom between our packages is written once, as import contracts in ``pyproject.toml``; here they are run,
and what they cannot say is added.
"""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.support.isolation import import_all_of, link_attrs, run_isolated

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src"
OURS = {path.name for path in SRC.iterdir() if (path / "__init__.py").exists()}
MODULES = sorted(SRC.rglob("*.py"))

# The standard library's pure part, as far as the core has had a use for it. Before adding a name: does it read a file,
# a clock, a socket, the environment or randomness, does it log, does it need an event loop?
PURE = {
    "abc", "base64", "binascii", "bisect", "collections", "contextlib", "csv", "datetime", "decimal", "encodings",
    "enum", "fractions", "functools", "hashlib", "heapq", "hmac", "html", "io", "ipaddress", "itertools", "json",
    "math", "operator", "re", "string", "struct", "textwrap", "types", "typing", "unicodedata", "urllib.parse", "uuid",
}  # fmt: skip

# Names that say where something was put, not what it is.
DRAWERS = {"base", "common", "core", "helpers", "manager", "misc", "shared", "util", "utils"}

LONGEST_FUNCTION = 45
LONGEST_FILE = 400


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> Iterator[str]:
    """Every module that the file names in an import, wherever in the file it does."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def top(module: str) -> str:
    return module.partition(".")[0]


def test_the_import_contracts_are_kept() -> None:
    result = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-logo", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout


def test_the_core_imports_attrs_and_what_is_pure() -> None:
    allowed = PURE | {"attrs", "zero2prod_core"}
    foreign = [
        f"{relative(path)} imports {module}"
        for path in MODULES
        if path.is_relative_to(SRC / "zero2prod_core")
        for module in imports(path)
        if module not in allowed and top(module) not in allowed
    ]
    assert foreign == []


def test_the_core_imports_where_only_attrs_is_installed(tmp_path: Path) -> None:
    library = tmp_path / "library"
    library.mkdir()
    link_attrs(library)
    (library / "zero2prod_core").symlink_to(SRC / "zero2prod_core")
    result = run_isolated(import_all_of("zero2prod_core"), library)
    assert (result.returncode, result.stderr) == (0, "")


def test_every_package_that_is_imported_is_a_declared_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = [*project["dependencies"], *(line for extra in project["optional-dependencies"].values() for line in extra)]
    declared = {normalised(re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0]) for line in lines}
    distributions = packages_distributions()
    undeclared = [
        f"{relative(path)} imports {module}"
        for path in MODULES
        for module in imports(path)
        if top(module) not in OURS | sys.stdlib_module_names
        if declared.isdisjoint(normalised(name) for name in distributions.get(top(module), []))
    ]
    assert undeclared == []


def normalised(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


@pytest.mark.parametrize("package", sorted(OURS))
def test_every_package_is_marked_as_typed(package: str) -> None:
    assert (SRC / package / "py.typed").exists()


def test_no_file_is_named_like_a_drawer() -> None:
    assert [relative(path) for path in MODULES if path.stem in DRAWERS] == []


def test_a_file_of_statements_belongs_to_a_noun() -> None:
    adapter = SRC / "adapters_postgres"
    orphans = [path.name for path in adapter.glob("sql/*.sql") if not (adapter / f"{path.stem}.py").exists()]
    assert orphans == []


def test_files_are_short_enough_to_be_one_subject() -> None:
    lengths = {relative(path): len(path.read_text().splitlines()) for path in MODULES}
    assert {path: length for path, length in lengths.items() if length > LONGEST_FILE} == {}


def test_functions_fit_in_one_look() -> None:
    functions = [
        (f"{relative(path)}:{node.lineno} {node.name}", (node.end_lineno or node.lineno) - node.lineno + 1)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert [f"{name} ({length} lines)" for name, length in functions if length > LONGEST_FUNCTION] == []


# Rules are broken only with a reason beside the mark, and nothing is left for later. The words are taken apart so that
# this file does not find itself.
MARKS = {
    r"#\s*type:\s*ignore(?!\[[\w, -]+\]\s+\W*\w)": "type ignored without its code and a reason",
    r"#\s*noqa(?!: [A-Z]+\d+(?:, ?[A-Z]+\d+)*\s+\W*\w)": "rule ignored without its code and a reason",
    r"pragma: no" + " cover": "hidden from the coverage gate",
    r"raise Not" + "ImplementedError": "left for later",
    r"#.*\b(TO" + "DO|FIX" + "ME|XX" + "X)\\b": "left for later",
}


@pytest.mark.parametrize("pattern", MARKS, ids=MARKS.get)
def test_nothing_is_hidden_or_left_for_later(pattern: str) -> None:
    files = [*MODULES, *(ROOT / "tests").rglob("*.py")]
    found = [
        f"{relative(path)}:{number}: {MARKS[pattern]}"
        for path in files
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.search(pattern, line)
    ]
    assert found == []


@pytest.mark.parametrize("lock", sorted(path.name for path in (ROOT / "requirements").glob("*.txt")))
def test_a_lock_is_hashed_and_names_no_registry(lock: str) -> None:
    lines = (ROOT / "requirements" / lock).read_text().replace("\\\n", "").splitlines()
    pinned = [line for line in lines if not line.lstrip().startswith("#")]
    assert pinned
    assert [line for line in pinned if "--hash=sha256:" not in line] == []
    assert [line for line in lines if re.search(r"://|--(extra-)?index|--find-links", line)] == []
