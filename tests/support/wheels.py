"""The wheel of this checkout, and a place where it is installed with ``src`` out of the way; all without an index."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).parents[2]

PACKAGES = {
    "adapters_email",
    "adapters_http",
    "adapters_memory",
    "adapters_postgres",
    "adapters_system",
    "zero2prod",
    "zero2prod_core",
}

# What would let the outer run speak into the inner one, or the checkout be found.
FOREIGN = ("PYTEST_", "PYTHON", "COVERAGE_", "VIRTUAL_ENV")


def build(directory: Path) -> Path:
    """Build the wheel of this checkout into ``directory``, by the locked build backend."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(directory)],
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    [wheel] = directory.glob("*.whl")
    return wheel


def install(wheel: Path, directory: Path) -> Path:
    """Make a virtual environment with this wheel and, beside it, the locked packages of ours; returns its Python.

    The packages are reached by a line in a .pth file. Of a directory that is reached so no .pth file is read, and
    with that the editable ``src`` is out of reach.
    """
    run(Path(sys.executable), "-m", "venv", "--without-pip", str(directory))
    python = directory / "bin" / "python"
    pip = ("-m", "pip", "--python", str(python), "--quiet", "--disable-pip-version-check")
    run(Path(sys.executable), *pip, "install", "--no-index", "--no-deps", str(wheel))
    [library] = directory.glob("lib/python*/site-packages")
    (library / "locked.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    return python


def copy_tests(directory: Path) -> None:
    """What tests need of the checkout: themselves, pages that some compare with the code, pytest's configuration."""
    for folder in ("tests", "docs"):
        shutil.copytree(ROOT / folder, directory / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", directory)


def run(python: Path, *arguments: str, cwd: Path | None = None) -> str:
    """What a Python prints that is not told what this one was told by its environment.

    Raises:
        RuntimeError: it ends with another status than 0; the message has all that it printed.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    command = [str(python), *arguments]
    ran = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise RuntimeError(f"{' '.join(command)} ends with {ran.returncode}:\n{ran.stdout}{ran.stderr}")
    return ran.stdout
