"""A Python that can import nothing but the standard library, attrs, and what a test puts beside them."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

IMPORT_ALL_OF_CORE = """
import importlib, pkgutil, zero2prod_core
for module in pkgutil.walk_packages(zero2prod_core.__path__, "zero2prod_core."):
    importlib.import_module(module.name)
"""


def link_attrs(library: Path) -> None:
    """Put attrs, under both its names, into the directory ``library``, and none of its neighbours."""
    for name in ("attr", "attrs"):
        spec = find_spec(name)
        if spec is None or not spec.submodule_search_locations:
            raise ModuleNotFoundError(name=name)
        (library / name).symlink_to(spec.submodule_search_locations[0])


def run_isolated(program: str, *paths: Path) -> subprocess.CompletedProcess[str]:
    """Run ``program`` with ``paths`` as its only libraries; site packages and the environment are out of reach."""
    lines = f"import sys\nsys.path += {[str(path) for path in paths]!r}\n{program}"
    return subprocess.run([sys.executable, "-I", "-S", "-c", lines], capture_output=True, text=True, check=False)
