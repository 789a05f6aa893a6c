"""The wheel builds and holds what it should: run by ``make check``, by itself, with the names of what is amiss.

It is built offline by the locked build backend, and tried where ``src`` is out of reach.
"""

import configparser
import email
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from tests.support.isolation import IMPORT_ALL_OF_CORE, link_attrs, run_isolated

ROOT = Path(__file__).parent.parent

PACKAGES = {
    "adapters_email",
    "adapters_http",
    "adapters_memory",
    "adapters_postgres",
    "adapters_system",
    "zero2prod",
    "zero2prod_core",
}

# Files that are no Python and without which an installed server fails at its first request.
DATA = (
    "adapters_postgres/sql/*.sql",
    "adapters_postgres/migrations/*.sql",
    "adapters_http/ui/templates/*.html",
    "adapters_http/ui/static/*.css",
    "adapters_email/templates/confirmation/*.txt",
    "adapters_system/*.txt",
    "zero2prod/templates/mailbox/*.html",
)

EXTRAS = {"server", "testing", "uvloop"}
ENTRY_POINT = "zero2prod.__main__:main"


def main() -> int:
    """Print every fault of the wheel; 1 if there is one."""
    with tempfile.TemporaryDirectory() as directory:
        wheel = build(Path(directory))
        with zipfile.ZipFile(wheel) as archive:
            faults = [*faults_of_files(archive), *faults_of_metadata(archive)]
        faults += faults_of_core_alone(wheel, Path(directory))
    for fault in faults:
        print(f"{wheel.name}: {fault}", file=sys.stderr)
    if not faults:
        print(f"{wheel.name} holds what it should")
    return 1 if faults else 0


def build(directory: Path) -> Path:
    """Build the wheel of this checkout into ``directory``."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(directory)],
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    [wheel] = directory.glob("*.whl")
    return wheel


def faults_of_files(archive: zipfile.ZipFile) -> Iterator[str]:
    """The wheel holds the seven packages, each marked as typed, and of ``src`` every file but no other."""
    held = {name for name in archive.namelist() if ".dist-info/" not in name}
    wanted = set(sources())
    yield from (f"{name} is missing" for name in sorted(wanted - held))
    yield from (f"{name} does not belong there" for name in sorted(held - wanted))
    tops = {PurePosixPath(name).parts[0] for name in held}
    if tops != PACKAGES:
        yield f"the packages are {sorted(tops)}, not {sorted(PACKAGES)}"
    yield from (f"{package} is not marked as typed" for package in PACKAGES if f"{package}/py.typed" not in held)
    yield from (
        f"nothing in it is {pattern}"
        for pattern in DATA
        if not any(PurePosixPath(name).match(pattern) for name in held)
    )


def sources() -> Iterator[str]:
    """The files below ``src``, without what Python caches there."""
    for path in (ROOT / "src").rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(ROOT / "src").as_posix()


def faults_of_metadata(archive: zipfile.ZipFile) -> Iterator[str]:
    """Installing it brings attrs alone, its extras are the known ones, and it has its command and its licence."""
    [info] = {name.partition("/")[0] for name in archive.namelist() if ".dist-info/" in name}
    metadata = email.message_from_bytes(archive.read(f"{info}/METADATA"))
    required = metadata.get_all("Requires-Dist", [])
    unconditional = [line for line in required if "extra ==" not in line]
    if len(unconditional) != 1 or not unconditional[0].startswith("attrs"):
        yield f"without extras it requires {unconditional}, not attrs alone"
    if set(metadata.get_all("Provides-Extra", [])) != EXTRAS:
        yield f"its extras are {metadata.get_all('Provides-Extra')}, not {sorted(EXTRAS)}"
    commands = configparser.ConfigParser()
    commands.read_string(archive.read(f"{info}/entry_points.txt").decode())
    if commands.get("console_scripts", "zero2prod", fallback=None) != ENTRY_POINT:
        yield f"the command zero2prod is not {ENTRY_POINT}"
    if f"{info}/licenses/LICENSE" not in archive.namelist():
        yield "the licence is missing"


def faults_of_core_alone(wheel: Path, directory: Path) -> Iterator[str]:
    """Beside attrs alone the core imports, and the command says in one line what to install."""
    library = directory / "library"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(library)
    link_attrs(library)
    core = run_isolated(IMPORT_ALL_OF_CORE, library)
    if core.returncode:
        yield f"the core does not import beside attrs alone: {core.stderr.strip()}"
    command = run_isolated("from zero2prod.__main__ import main; main()", library)
    said = command.stderr.splitlines()
    if command.returncode != 2 or len(said) != 1 or "pip install 'zero2prod[server]'" not in said[0]:
        yield f"without its extras the command exits {command.returncode} and says {command.stderr!r}"


if __name__ == "__main__":
    sys.exit(main())
