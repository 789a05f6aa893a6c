"""The wheel holds what it should, nobody else claims its names, and it passes the tests where ``src`` is out of reach.

`make check` asks the first part of it by itself.
"""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import wheel
from tests.support import wheels

pytestmark = pytest.mark.untraced

# Modules of the checkout itself: its documents, and rules about the text of its sources.
ABOUT_THE_CHECKOUT = ("--ignore-glob=*/unit/test_docs*.py", "--ignore=tests/unit/test_architecture.py")

# Put beside the tests, and so run by the same pytest.
ORIGIN_TEST = f"""
import importlib
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("package", {sorted(wheels.PACKAGES)!r})
def test_it_comes_from_the_wheel(package: str) -> None:
    assert Path(importlib.import_module(package).__file__).is_relative_to(sys.prefix)
    assert not [path for path in sys.path if Path(path, package).exists() and not path.startswith(sys.prefix)]
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wheels.build(tmp_path_factory.mktemp("built"))


@pytest.fixture
def archive(built: Path) -> Iterator[zipfile.ZipFile]:
    with zipfile.ZipFile(built) as opened:
        yield opened


def test_it_holds_the_packages_with_every_file_and_no_other(archive: zipfile.ZipFile) -> None:
    assert list(wheel.faults_of_files(archive)) == []


def test_it_says_of_itself_what_it_should(archive: zipfile.ZipFile) -> None:
    assert list(wheel.faults_of_metadata(archive)) == []


def test_beside_attrs_alone_core_and_memory_import(built: Path, tmp_path: Path) -> None:
    assert list(wheel.faults_of_core_alone(built, tmp_path)) == []


def test_nobody_else_who_is_installed_has_a_package_of_its_names() -> None:
    assert list(wheel.faults_of_neighbours()) == []


def test_somebody_else_who_has_would_be_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "postbox-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: postbox\nVersion: 1.0\n")
    (info / "RECORD").write_text("adapters_email/__init__.py,,\npostbox/__init__.py,,\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert list(wheel.faults_of_neighbours()) == [
        "adapters_email is a package of postbox too: whichever is found first hides the other"
    ]


@pytest.mark.parametrize("lost", ["zero2prod_core/py.typed", "adapters_postgres/sql/subscribers.sql"])
def test_a_file_that_it_lacks_would_be_noticed(built: Path, tmp_path: Path, lost: str) -> None:
    poorer = tmp_path / built.name
    with zipfile.ZipFile(built) as whole, zipfile.ZipFile(poorer, "w") as rest:
        for name in whole.namelist():
            if name != lost:
                rest.writestr(name, whole.read(name))
    with zipfile.ZipFile(poorer) as opened:
        assert f"{lost} is missing" in list(wheel.faults_of_files(opened))


# Half of all tests run within the second: a minute on two idle cores, several on busy ones.
@pytest.mark.timeout(900)
@pytest.mark.parametrize("tests", ["tests/contract", pytest.param("tests/unit", marks=pytest.mark.soak)])
def test_installed_without_src_it_passes_its_tests(built: Path, tmp_path: Path, tests: str) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    wheels.copy_tests(checkout)
    (checkout / "tests" / "unit" / "test_origin.py").write_text(ORIGIN_TEST)
    python = wheels.install(built, tmp_path / "environment")
    arguments = ("-q", "-n", "2", "-p", "no:cacheprovider", "--hypothesis-profile=again", *ABOUT_THE_CHECKOUT)
    printed = wheels.run(python, "-m", "pytest", *arguments, "tests/unit/test_origin.py", tests, cwd=checkout)
    assert re.search(r"^[1-9]\d* passed", printed, re.MULTILINE)
