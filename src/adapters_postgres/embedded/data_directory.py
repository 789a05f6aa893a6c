"""The data directory: made, checked, held by one supervisor at a time.

::

    DIR/              the caller's: 0700, or root's and 0711 so that the server's user can pass through to its own
    ├── lock          flock held by the supervisor; its process number and its socket directory
    ├── postgres.log  the server's words; put aside as postgres.log.1 at a start that finds it long
    ├── binaries/18.4 root's copy of the wheel's programs, so that a home of mode 700 does not matter
    └── postgres/     0700, the server's user: nothing of root's is ever written where another user could lay a link
        ├── data      the cluster
        └── data.new  the cluster while it is being made
"""

import errno
import fcntl
import os
import pwd
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from adapters_postgres.embedded.processes import Account, first_closed
from zero2prod_core.errors import DataDirectoryRefused

ROOTS_DIRECTORY = Path("/var/lib/zero2prod")  # FHS 3.0 §5.8: state of one program
LOG_LIMIT = 1024 * 1024  # bytes; with statements' errors kept out of the log this is years of starts and stops

# A socket's path may have 107 bytes on Linux and 103 on macOS, however long --data-dir or TMPDIR is. /run is root's
# alone; /tmp is open to all, where a new directory of mode 0700 under a random name cannot be taken by another user.
SOCKET_PARENTS = ("/run", "/tmp", "/dev/shm")  # noqa: S108 - only as the place of such a new directory
SOCKET_PREFIX = "zero2prod-"

OTHER_DIRECTORY = "choose another with --data-dir"
REMEDIES = {
    errno.EACCES: f"Give it to this user, or {OTHER_DIRECTORY}",
    errno.EPERM: f"Give it to this user, or {OTHER_DIRECTORY}",
    errno.EROFS: f"Mount its disk for writing, or {OTHER_DIRECTORY}",
    errno.ENOSPC: f"Free some space on its disk, or {OTHER_DIRECTORY}",
    errno.EDQUOT: f"Free some of this user's quota, or {OTHER_DIRECTORY}",
}


def default_data_dir() -> Path:
    """Where this user's data live: /var/lib for root, else the platform's directory (XDG Base Directory 0.8)."""
    if os.geteuid() == 0:
        return ROOTS_DIRECTORY
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "zero2prod"
    given = Path(os.environ.get("XDG_DATA_HOME", ""))
    return (given if given.is_absolute() else Path.home() / ".local" / "share") / "zero2prod"


def in_use(data_dir: Path, holder: str) -> DataDirectoryRefused:
    """The refusal for a directory another process works on."""
    who = f"process {holder}" if holder else "another process"
    return DataDirectoryRefused(str(data_dir), f"in use by {who}", f"Stop it, or {OTHER_DIRECTORY}")


@contextmanager
def plain_refusals(data_dir: Path) -> Iterator[None]:
    """Turns what the operating system refuses into one sentence with its remedy."""
    try:
        yield
    except OSError as error:
        name = error.filename2 or error.filename  # of two, the one being written
        where = f" ({os.fsdecode(name)})" if name else ""
        remedy = REMEDIES.get(error.errno or 0, OTHER_DIRECTORY.capitalize())
        reason = f"cannot be used: {error.strerror or error}{where}"
        raise DataDirectoryRefused(str(data_dir), reason, remedy) from error


@dataclass(frozen=True)
class DataDirectory:
    """The paths above under ``path``, and the user the server runs as (None: the caller)."""

    path: Path
    account: Account | None

    @property
    def log(self) -> Path:
        return self.path / "postgres.log"

    @property
    def binaries(self) -> Path:
        return self.path / "binaries"

    @property
    def server(self) -> Path:
        return self.path / "postgres"

    @property
    def cluster(self) -> Path:
        return self.server / "data"

    @property
    def unfinished(self) -> Path:
        return self.server / "data.new"

    def prepare(self) -> None:
        """Makes what is missing; changes nothing that belongs to a third user.

        Raises:
            DataDirectoryRefused, OSError: it cannot be made, or the server's user could not reach its part.
        """
        if self.account is None:
            make_directory(self.path, 0o700, 0o700)
        else:
            existing = next(part for part in (self.path, *self.path.parents) if part.exists())
            if existing != self.path:
                self._refuse_closed_way(existing, self.account)
            make_directory(self.path, 0o711, 0o755)
            self._claim_for_root(self.account)
            self._refuse_closed_way(self.path, self.account)
        if (self.path / "PG_VERSION").exists():
            raise self._refusal("is a PostgreSQL cluster itself", f"Its parent would do, or {OTHER_DIRECTORY}")

    def prepare_server(self) -> None:
        """Makes the server's own part; the caller holds the lock."""
        self.server.mkdir(mode=0o700, exist_ok=True)
        if self.account and not any(self.server.iterdir()):
            os.chown(self.server, self.account.uid, self.account.gid)
        owner, user = self.server.stat().st_uid, self.account.uid if self.account else os.geteuid()
        if owner != user:
            rule = f"{self.server.name}/ in it belongs to {_user(owner)}, not to {_user(user)}"
            raise self._refusal(rule, f"Start as the user who made it, or {OTHER_DIRECTORY}")

    def _refuse_closed_way(self, path: Path, account: Account) -> None:
        if closed := first_closed(path, account):
            rule = f"the server runs as {account.name}, who may not pass {closed}"
            raise self._refusal(rule, f"{OTHER_DIRECTORY.capitalize()}, or let that user pass")

    def _claim_for_root(self, account: Account) -> None:
        opened = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            found = os.fstat(opened)
            with os.scandir(opened) as entries:
                names = {entry.name for entry in entries}
            self._refuse_strangers(found, () if names else (account.uid,))
            if not names or names & {"lock", "postgres"}:  # new, or ours; another's directory stays as it is
                os.fchown(opened, 0, -1)
                os.fchmod(opened, stat.S_IMODE(found.st_mode) | 0o011)
        finally:
            os.close(opened)

    def _refuse_strangers(self, found: os.stat_result, welcome: tuple[int, ...]) -> None:
        """Root writes only where nobody else can lay a link for it."""
        if found.st_uid not in (0, *welcome):
            owner = _user(found.st_uid)
            raise self._refusal(f"belongs to {owner}, and this is root", f"Start as {owner}, or {OTHER_DIRECTORY}")
        if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise self._refusal("others may write to it", f"Close it (chmod go-w), or {OTHER_DIRECTORY}")

    def _refusal(self, rule: str, remedy: str) -> DataDirectoryRefused:
        return DataDirectoryRefused(str(self.path), rule, remedy)

    def open_log(self) -> IO[bytes]:
        """The log for appending; one that has grown beyond ``LOG_LIMIT`` makes room and is kept once."""
        with suppress(FileNotFoundError):
            if self.log.stat().st_size > LOG_LIMIT:
                self.log.replace(self.log.with_suffix(".log.1"))
        return os.fdopen(os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600), "ab")


class Lock:
    """The supervisor's hold on the directory: ends with its process, however that ends.

    The file also names the holder's process for the message, and its socket directory so that the next holder can
    remove it after a crash. It is never deleted: two starts could otherwise lock two files of one name.
    """

    def __init__(self, data_dir: Path) -> None:
        """Takes the lock.

        Raises:
            DataDirectoryRefused: another process has it.
        """
        self._file = os.open(data_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder, _ = self._read()
            os.close(self._file)
            raise in_use(data_dir, holder) from None
        self.earlier_sockets = self._read()[1]

    def _read(self) -> tuple[str, str]:
        holder, _, sockets = os.pread(self._file, 4096, 0).decode(errors="replace").partition("\n")
        return holder, sockets.strip()

    def note(self, sockets: Path) -> None:
        """Writes down this process and where its server's socket is."""
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n{sockets}\n".encode(), 0)

    def release(self) -> None:
        """Lets the next one in."""
        os.ftruncate(self._file, 0)
        os.close(self._file)


def make_socket_directory(account: Account | None) -> Path:
    """A new directory that only the server's user and root can enter."""
    for parent in SOCKET_PARENTS:
        with suppress(OSError):
            made = Path(tempfile.mkdtemp(prefix=SOCKET_PREFIX, dir=parent))
            if account:
                os.chown(made, account.uid, account.gid)
            return made
    raise FileNotFoundError(errno.ENOENT, "no place for a socket", " ".join(SOCKET_PARENTS))


def remove_socket_directory(directory: Path) -> None:
    """Removes a directory made above, and whatever socket a killed server left in it; nothing else."""
    if not directory.name.startswith(SOCKET_PREFIX) or str(directory.parent) not in SOCKET_PARENTS:
        return
    with suppress(OSError):
        for left in directory.glob(".s.PGSQL.*"):
            left.unlink()
        directory.rmdir()


def make_directory(path: Path, mode: int, parents: int) -> None:
    """mkdir -p with exact modes, whatever the umask: parents made for root's server must let its user pass."""
    missing = [part for part in (path, *path.parents) if not part.exists()]
    for part in reversed(missing):
        with suppress(FileExistsError):
            part.mkdir()
            part.chmod(mode if part == path else parents)


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
