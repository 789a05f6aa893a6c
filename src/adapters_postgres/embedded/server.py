"""The embedded server itself: started, awaited, stopped."""

import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self
from urllib.parse import quote

from psycopg import Connection, OperationalError, connect

from adapters_postgres.embedded import cluster
from adapters_postgres.embedded.binaries import Binaries, choose, installed, within_reach
from adapters_postgres.embedded.data_directory import (
    DataDirectory,
    Lock,
    make_socket_directory,
    plain_refusals,
    remove_socket_directory,
)
from adapters_postgres.embedded.leftovers import await_departure
from adapters_postgres.embedded.processes import Child, server_account
from zero2prod_core.errors import Defect

READY_S = 120.0  # recovery replays at most max_wal_size (1 GB) of log, which slow disks read in about a minute
ANSWER_S = 10  # for one connection; a server that is merely busy forks in milliseconds
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.005, 0.1  # a restart takes 0.1 s: the pauses must not be what is waited for

SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        "listen_addresses": "",  # no network at all: the socket is the only door
        "port": "5432",  # whatever PGPORT says
        "unix_socket_permissions": "0700",
        "max_connections": "100",
        "shared_buffers": "64MB",  # small beside the programs it serves; the system's cache does the rest
        "jit": "off",  # the wheels have no LLVM
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_min_messages": "log",  # a statement's error goes to its client; here a loop of them would fill the disk
        "log_checkpoints": "off",
        "cluster_name": "zero2prod",
    }
)


class EmbeddedPostgres:
    """A PostgreSQL server of our own on a private unix socket, as a context manager or by ``start`` and ``stop``.

    It never runs as root, and ends with the process that started it, even by kill -9. Whoever can enter the socket's
    directory is let in as any role: it has mode 0700 and belongs to the server's user, so that is this user and root,
    who could read the files below just as well. The roles keep the program from mistakes, not such a user from harm.

    The calls block (about 0.1 s, the first start 1 s) and may come from any thread, one at a time.
    """

    def __init__(
        self, data_dir: Path, *, options: Mapping[str, str] = MappingProxyType({}), binaries: Binaries | None = None
    ) -> None:
        """Nothing is touched yet.

        Args:
            data_dir: where everything is kept; made when missing.
            options: server settings by name, over ``SETTINGS``; ``fsync=off`` also makes the cluster in a hurry.
            binaries: the installation to run instead of the first one found.
        """
        self.data_dir = data_dir.expanduser().resolve()
        self._options = {**SETTINGS, **options}
        self._durable = self._options.get("fsync") != "off"
        self._binaries = binaries
        self._lock: Lock | None = None
        self._sockets: Path | None = None
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """For the application's role, which cannot change the schema."""
        return self._url(cluster.APPLICATION, cluster.DATABASE)

    @property
    def owner_url(self) -> str:
        """For the role that owns the schema and migrates it."""
        return self._url(cluster.OWNER, cluster.DATABASE)

    @property
    def superuser_url(self) -> str:
        """For whoever may do anything: restoring, and tests that clean up."""
        return self._url(cluster.SUPERUSER, cluster.DATABASE)

    @property
    def pid(self) -> int | None:
        """The postmaster's process; None while it does not run."""
        return self._child.pid if self._child and self._child.wait(0) is None else None

    @property
    def version(self) -> str:
        """The server's version, such as ``18.4``."""
        if self._binaries is None:
            self._binaries = choose(server_account())
        return self._binaries.version

    def start(self) -> None:
        """Returns when the server takes connections; at once if it does already, and again after it died.

        The URLs stay the same for the life of this object, until ``stop``.

        Raises:
            DataDirectoryRefused: the directory is in use, cannot be written, holds another major version's data, or
                the server does not start on it; the message says how to mend it.
            SettingInvalid: there is no PostgreSQL to run.
        """
        if self.pid is not None:
            return
        again = self._lock is not None
        try:
            with plain_refusals(self.data_dir):
                self._start(DataDirectory(self.data_dir, server_account()))
        except BaseException:
            # What a server that died has to be started on again stays ours, URLs and all.
            self._end_child() if again else self.stop()
            raise

    def stop(self) -> None:
        """Ends the server, fast or else hard, and gives the directory free. Harmless when it does not run."""
        self._end_child()
        if self._sockets:
            remove_socket_directory(self._sockets)
        if self._lock:
            self._lock.release()
        self._sockets = self._lock = None

    def _end_child(self) -> None:
        if self._child:
            self._child.stop()
        self._child = None

    def wait(self, seconds: float | None = None) -> int | None:
        """The exit code of a server that ended by itself, or None if it still runs after ``seconds``."""
        return self._child.wait(seconds) if self._child else None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start(self, directory: DataDirectory) -> None:
        directory.prepare()
        self._hold(directory)
        directory.prepare_server()
        for place in (directory.cluster, directory.unfinished):
            await_departure(place, directory.path)
        binaries = self._fitting(directory)
        with directory.open_log() as log:
            if cluster.major_of(directory.cluster) is None:
                cluster.make(directory, binaries, log, durable=self._durable)
            said_before = directory.log.stat().st_size
            self._child = Child(self._command(directory, binaries), directory.account, directory.server, log)
        with _first_connection(self._child, self._url(cluster.SUPERUSER, "postgres"), directory, said_before) as first:
            cluster.furnish(first, directory)

    def _hold(self, directory: DataDirectory) -> None:
        if self._lock is None:
            self._lock = Lock(directory.path)
            remove_socket_directory(Path(self._lock.earlier_sockets))
        if self._sockets is None:
            self._sockets = make_socket_directory(directory.account)
            self._lock.note(self._sockets)

    def _fitting(self, directory: DataDirectory) -> Binaries:
        self._binaries = self._binaries or choose(directory.account)
        found = cluster.major_of(directory.cluster)
        reachable = self._reachable(directory, self._binaries)
        if found in (None, str(reachable.major)):
            return reachable
        same = [one for one in installed(directory.account) if str(one.major) == found]
        old = self._reachable(directory, same[0]).bin if same else None
        raise cluster.other_major(directory, str(found), reachable, old)

    def _reachable(self, directory: DataDirectory, binaries: Binaries) -> Binaries:
        return within_reach(binaries, directory.binaries, durable=self._durable) if directory.account else binaries

    def _command(self, directory: DataDirectory, binaries: Binaries) -> list[str]:
        settings = {"unix_socket_directories": str(self._sockets), **self._options}
        chosen = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [binaries.program("postgres"), "-D", str(directory.cluster), *chosen]

    def _url(self, role: str, database: str) -> str:
        if self._sockets is None:
            raise Defect("an embedded server has a URL only between start() and stop()")
        return f"postgresql://{role}@/{database}?host={quote(str(self._sockets), safe='')}&port={self._options['port']}"


def _first_connection(child: Child, url: str, directory: DataDirectory, said_before: int) -> Connection[Any]:
    """The first connection the server takes; recovery may come before it."""
    deadline, pause = time.monotonic() + READY_S, FIRST_PAUSE_S
    while True:
        try:
            return connect(url, autocommit=True, connect_timeout=ANSWER_S)
        except OperationalError:
            if child.wait(pause) is not None or time.monotonic() > deadline:
                raise cluster.failed(directory, said_before) from None
            pause = min(2 * pause, LONGEST_PAUSE_S)
