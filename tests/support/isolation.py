"""A Python that can import nothing but the standard library, attrs, and what a test puts beside them."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path


def import_all_of(*packages: str) -> str:
    """A program that imports every module of these packages."""
    return f"""
import importlib, pkgutil
for name in {packages!r}:
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, name + "."):
        importlib.import_module(module.name)
"""


def link_attrs(library: Path) -> None:
    """Put attrs, under both its names, into the directory ``library``, and none of its neighbours."""
    link_packages(library, "attr", "attrs")


def link_packages(library: Path, *names: str) -> None:
    """Put these packages and modules of this environment into the directory ``library``."""
    for name in names:
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(name=name)
        found = Path(spec.origin)
        found = found.parent if spec.submodule_search_locations else found
        (library / found.name).symlink_to(found)


def run_isolated(program: str, *paths: Path) -> subprocess.CompletedProcess[str]:
    """Run ``program`` with ``paths`` as its only libraries; site packages and the environment are out of reach."""
    lines = f"import sys\nsys.path += {[str(path) for path in paths]!r}\n{program}"
    return subprocess.run([sys.executable, "-I", "-S", "-c", lines], capture_output=True, text=True, check=False)
