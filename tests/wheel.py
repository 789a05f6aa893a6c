"""The wheel builds and holds what it should: run by ``make check``, by itself, with the names of what is amiss.

It is built offline by the locked build backend, and tried where ``src`` is out of reach.
"""

import configparser
import email
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path, PurePosixPath

from tests.support.isolation import import_all_of, link_attrs, run_isolated
from tests.support.wheels import PACKAGES, ROOT, build

DISTRIBUTION = "zero2prod"

EXTRAS = {"server", "testing", "uvloop"}
ENTRY_POINT = "zero2prod.__main__:main"


def main() -> int:
    """Print every fault of the wheel; 1 if there is one."""
    with tempfile.TemporaryDirectory() as directory:
        wheel = build(Path(directory))
        with zipfile.ZipFile(wheel) as archive:
            faults = [*faults_of_files(archive), *faults_of_metadata(archive), *faults_of_neighbours()]
        faults += faults_of_core_alone(wheel, Path(directory))
    for fault in faults:
        print(f"{wheel.name}: {fault}", file=sys.stderr)
    if not faults:
        print(f"{wheel.name} holds what it should")
    return 1 if faults else 0


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


def faults_of_neighbours() -> Iterator[str]:
    """No other distribution that is installed here brings a package of the same name: one would hide the other."""
    installed = packages_distributions()
    for package in sorted(PACKAGES):
        others = set(installed.get(package, ())) - {DISTRIBUTION}
        yield from (
            f"{package} is a package of {other} too: whichever is found first hides the other" for other in others
        )


def faults_of_core_alone(wheel: Path, directory: Path) -> Iterator[str]:
    """Beside attrs alone core and memory import, and the command says in one line what to install."""
    library = directory / "library"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(library)
    link_attrs(library)
    core = run_isolated(import_all_of("zero2prod_core", "adapters_memory"), library)
    if core.returncode:
        yield f"core and memory do not import beside attrs alone: {core.stderr.strip()}"
    command = run_isolated("from zero2prod.__main__ import main; main()", library)
    said = command.stderr.splitlines()
    if command.returncode != 2 or len(said) != 1 or "pip install 'zero2prod[server]'" not in said[0]:
        yield f"without its extras the command exits {command.returncode} and says {command.stderr!r}"


if __name__ == "__main__":
    sys.exit(main())
