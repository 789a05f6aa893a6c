"""The embedded server on real processes: starts, crashes, races, and refusals."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from adapters_postgres.embedded import EmbeddedPostgres, leftovers
from adapters_postgres.embedded.binaries import Binaries, from_wheel, within_reach
from adapters_postgres.embedded.processes import server_account
from tests.support.postgres import UNSAFE_AND_FAST, scratch_directory
from tests.support.supervisors import NOTHING, Starter, caller, ordinary
from tests.support.waiting import PATIENCE, until
from zero2prod_core.errors import DataDirectoryRefused

Fast = Callable[..., EmbeddedPostgres]


@pytest.fixture
def place() -> Iterator[Path]:
    with scratch_directory() as directory:
        yield directory


@pytest.fixture(scope="session")
def fast() -> Iterator[Fast]:
    """Makes servers that wait for no disk and, where root would make copies of the programs, share one."""
    with scratch_directory() as shelf:
        programs = within_reach(from_wheel()[0], shelf, durable=False)
        yield partial(EmbeddedPostgres, options=UNSAFE_AND_FAST, binaries=programs)


@pytest.fixture(scope="session")
def visitor() -> Iterator[Starter]:
    with scratch_directory() as directory:
        yield ordinary(directory)


@pytest.fixture(params=["caller", pytest.param("ordinary", marks=pytest.mark.root)])
def starter(request: pytest.FixtureRequest, place: Path) -> Starter:
    chosen: Starter = request.getfixturevalue("visitor") if request.param == "ordinary" else caller()
    chosen.owns(place)
    return chosen


def rows(url: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def alive(pid: int) -> bool:
    """Whether it runs; one that has ended may wait for init to notice."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def own_sockets(url: str) -> Path:
    return Path(str(conninfo_to_dict(url)["host"]))


def refusal(data_dir: Path, options: Mapping[str, str] = UNSAFE_AND_FAST, binaries: Binaries | None = None) -> str:
    with pytest.raises(DataDirectoryRefused) as refused:
        EmbeddedPostgres(data_dir, options=options, binaries=binaries).start()
    return str(refused.value)


def test_what_was_written_is_there_after_a_restart(starter: Starter, place: Path) -> None:
    with starter.supervisor(place / "data", NOTHING) as first:
        told = first.said()
        rows(told["superuser_url"], "CREATE TABLE kept AS SELECT 42 AS answer")
        first.stop()
        assert not alive(told["pid"])
        assert not own_sockets(told["url"]).exists()
    with starter.supervisor(place / "data", NOTHING) as second:
        told = second.said()
        assert rows(told["superuser_url"], "SELECT answer FROM kept") == [(42,)]
        assert rows(told["url"], "SHOW server_version")[0][0].startswith(told["version"])
        assert rows(told["url"], "SHOW listen_addresses") == [("",)]
        assert rows(told["url"], "SHOW fsync") == [("on",)]


def test_the_server_is_gone_when_its_supervisor_is_killed(starter: Starter, place: Path) -> None:
    with starter.supervisor(place / "data") as first:
        killed = first.said()
        rows(killed["superuser_url"], "CREATE TABLE kept AS SELECT 42 AS answer")
        first.kill()
        with starter.supervisor(place / "data") as second:
            told = second.said()
            assert not alive(killed["pid"])
            assert not own_sockets(killed["url"]).exists()
            assert rows(told["superuser_url"], "SELECT answer FROM kept") == [(42,)]


def test_the_server_ends_by_itself_when_its_supervisor_is_killed(starter: Starter, place: Path) -> None:
    with starter.supervisor(place / "data") as supervisor:
        told = supervisor.said()
        supervisor.kill()
        assert until(lambda: not alive(told["pid"]))
        assert until(lambda: not leftovers.working_in(place / "data/postgres/data"))
    with starter.supervisor(place / "data") as later:
        assert later.said()["pid"] != told["pid"]


def test_a_kill_during_the_first_start_leaves_nothing_half_made(starter: Starter, place: Path) -> None:
    unfinished = place / "data/postgres/data.new"
    with starter.supervisor(place / "data") as first:
        assert until((unfinished / "base/1").exists)
        first.kill()
        assert not (place / "data/postgres/data").exists()
    with starter.supervisor(place / "data") as second:
        assert rows(second.said()["url"], "SELECT 1") == [(1,)]
        assert not unfinished.exists()
        assert leftovers.working_in(unfinished) == []


def test_of_two_racing_starts_one_wins_and_the_other_says_why(starter: Starter, place: Path) -> None:
    with starter.supervisor(place / "data") as one, starter.supervisor(place / "data") as other:
        told = {"url" in said: said for said in (one.said(), other.said())}
        assert set(told) == {True, False}
        assert rows(told[True]["url"], "SELECT 1") == [(1,)]
        assert "in use by" in told[False]["refused"]


def test_a_directory_in_use_names_the_process_that_holds_it(starter: Starter, place: Path) -> None:
    with starter.supervisor(place / "data") as first:
        first.said()
        with starter.supervisor(place / "data") as second:
            assert f"in use by process {first.process.pid}. Stop it" in second.said()["refused"]


def test_paths_longer_than_a_socket_may_have(starter: Starter, place: Path) -> None:
    long = place.joinpath(*["a-rather-long-name-for-a-directory"] * 5)
    with starter.supervisor(long / "data", environment={"TMPDIR": str(long)}) as supervisor:
        told = supervisor.said()
        assert len(str(long)) > 107
        assert rows(told["url"], "SELECT 1") == [(1,)]


def test_another_major_version_is_refused_and_the_commands_given_carry_it_over(starter: Starter, place: Path) -> None:
    old = next(one for one in from_wheel() if one.major == 16)
    made_by_old(starter, place / "data", old)
    with starter.supervisor(place / "data") as refused:
        told = refused.said()["refused"]
    assert "its cluster was made by PostgreSQL 16, and this is 18." in told
    commands = told[told.index("\n\n") : told.rindex("END") + len("END")]
    run_as(starter, commands)
    with starter.supervisor(place / "data") as supervisor:
        told = supervisor.said()
        assert told["version"].startswith("18.")
        assert rows(told["superuser_url"], "SELECT answer FROM kept") == [(42,)]
        assert rows(told["url"], "SELECT current_user") == [("zero2prod",)]


def made_by_old(starter: Starter, data_dir: Path, old: Binaries) -> None:
    with EmbeddedPostgres(data_dir, options=UNSAFE_AND_FAST, binaries=old) as server:
        assert server.version.startswith("16.")
        rows(server.superuser_url, "CREATE TABLE kept AS SELECT 42 AS answer")
    if starter.user:
        for path in (data_dir, *data_dir.iterdir()):
            shutil.chown(path, starter.user)


def run_as(starter: Starter, commands: str) -> None:
    done = subprocess.run(["/bin/sh", "-c", commands], user=starter.user, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr


def test_a_killed_server_starts_again_on_the_same_socket(fast: Fast, place: Path) -> None:
    with fast(place / "data", options={"fsync": "off"}) as server:
        url, pid = server.url, server.pid
        assert pid
        rows(server.superuser_url, "CREATE TABLE kept AS SELECT 42 AS answer")
        os.kill(pid, signal.SIGKILL)
        assert server.wait(PATIENCE) == -signal.SIGKILL
        assert server.pid is None
        server.start()
        assert server.url == url
        assert rows(server.superuser_url, "SELECT answer FROM kept") == [(42,)]


def test_backends_that_outlive_a_killed_server_are_ended(fast: Fast, place: Path) -> None:
    with fast(place / "data") as server, closing(psycopg.connect(server.superuser_url)) as busy:
        backend = busy.info.backend_pid
        busy.pgconn.send_query(b"SELECT count(*) FROM generate_series(1, 1000000000000)")
        assert until(lambda: cpu_time(backend) > 0.1)
        os.kill(server.pid or 0, signal.SIGKILL)
        server.wait(PATIENCE)
        server.start()
        assert not alive(backend)
        assert rows(server.url, "SELECT 1") == [(1,)]


def cpu_time(pid: int) -> float:
    ticks = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11]
    return int(ticks) / os.sysconf("SC_CLK_TCK")


def test_a_number_taken_over_by_another_program_does_not_stop_the_start(fast: Fast, place: Path) -> None:
    account = server_account()
    with fast(place / "data"):
        pass
    bystander = subprocess.Popen(["sleep", "60"], user=account.uid if account else None)
    stale = place / "data/postgres/data/postmaster.pid"
    stale.write_text(f"{bystander.pid}\n{stale.parent}\n0\n5432\n\n\n0 0\n")
    try:
        with fast(place / "data") as server:
            assert rows(server.url, "SELECT 1") == [(1,)]
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_server_started_by_other_means_is_not_touched(
    fast: Fast, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fast(place / "data") as foreign:
        assert foreign._lock
        foreign._lock.release()
        foreign._lock = None
        monkeypatch.setattr(leftovers, "LEFTOVERS_GONE_S", 0.1)
        assert f"in use by process {foreign.pid}." in refusal(place / "data")
        assert rows(foreign.url, "SELECT 1") == [(1,)]


def test_the_application_makes_no_tables_and_the_owner_does(postgres_server: EmbeddedPostgres) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        rows(postgres_server.url, "CREATE TABLE forbidden ()")
    rows(postgres_server.owner_url, "CREATE TABLE allowed (); DROP TABLE allowed")
    assert rows(postgres_server.url, "SELECT lower('ÄÇ'), 'Z' < 'a', current_database()") == [("äç", True, "zero2prod")]


def test_the_test_server_does_not_wait_for_the_disk(postgres_server: EmbeddedPostgres) -> None:
    assert rows(postgres_server.url, "SHOW fsync") == [("off",)]


def test_starting_twice_is_starting_once(postgres_server: EmbeddedPostgres) -> None:
    pid = postgres_server.pid
    postgres_server.start()
    assert postgres_server.pid == pid


def test_the_server_has_a_session_of_its_own(postgres_server: EmbeddedPostgres) -> None:
    assert os.getsid(postgres_server.pid or 0) == postgres_server.pid


def test_the_server_outlives_the_thread_that_asked_for_it(fast: Fast, place: Path) -> None:
    server = fast(place / "data")
    with ThreadPoolExecutor(1) as pool:
        pool.submit(server.start).result()
    assert server.wait(0.2) is None
    assert rows(server.url, "SELECT 1") == [(1,)]
    server.stop()
    server.stop()
    assert server.pid is None


def test_the_environment_of_the_caller_stays_with_it(fast: Fast, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZERO2PROD_SECRET_KEYS", "not for other users")
    monkeypatch.setenv("PGPORT", "1")
    with fast(place / "data") as server:
        assert b"not for other users" not in Path(f"/proc/{server.pid}/environ").read_bytes()
        assert rows(server.url, "SHOW port") == [("5432",)]


def test_errors_of_statements_do_not_fill_the_log(postgres_server: EmbeddedPostgres) -> None:
    log = postgres_server.data_dir / "postgres.log"
    size = log.stat().st_size
    with pytest.raises(psycopg.errors.DivisionByZero):
        rows(postgres_server.url, "SELECT 1 / 0")
    assert log.stat().st_size == size


def test_a_log_that_has_grown_makes_room(fast: Fast, place: Path) -> None:
    log = place / "data/postgres.log"
    with fast(place / "data"):
        pass
    log.write_bytes(b"x" * (1024 * 1024 + 1))
    with fast(place / "data"):
        assert log.stat().st_size < 10_000
    assert log.with_suffix(".log.1").stat().st_size > 1024 * 1024


def test_a_server_that_does_not_start_is_told_with_its_last_words(fast: Fast, place: Path) -> None:
    told = refusal(place / "data", options={**UNSAFE_AND_FAST, "shared_buffers": "much"})
    assert "PostgreSQL did not start" in told
    assert 'invalid value for parameter "shared_buffers": "much"' in told
    assert str(place / "data/postgres.log") in told
    with fast(place / "data") as server:
        assert server.pid


def test_a_first_start_that_fails_is_told_and_leaves_nothing(place: Path) -> None:
    broken = place / "bin"
    broken.mkdir()
    (broken / "initdb").write_text("#!/bin/sh\necho 'initdb: error: No space left on device'; exit 1\n")
    (broken / "initdb").chmod(0o755)
    told = refusal(place / "data", binaries=Binaries(broken, "18.4"))
    assert "No space left on device" in told
    assert not (place / "data/postgres/data").exists()


def test_a_directory_that_cannot_be_written(starter: Starter, place: Path) -> None:
    if starter.user is None and os.geteuid() == 0:
        (place / "data").write_text("a file in its place")
    else:
        (place / "data").mkdir(mode=0o500)
        starter.owns(place / "data")
    with starter.supervisor(place / "data") as supervisor:
        told = supervisor.said()["refused"]
    assert told.startswith(f"data directory {place}/data: cannot be used: ")
    assert "choose another with --data-dir." in told.replace("Choose", "choose")
    assert "\n" not in told


def test_a_directory_that_cannot_be_made(starter: Starter, place: Path) -> None:
    with starter.supervisor(Path("/proc/zero2prod")) as supervisor:
        told = supervisor.said()["refused"]
    assert told.startswith("data directory /proc/zero2prod: cannot be used: ")


def test_somebody_elses_cluster_is_left_alone(place: Path) -> None:
    (place / "PG_VERSION").write_text("16\n")
    assert "is a PostgreSQL cluster itself" in refusal(place)
    assert sorted(path.name for path in place.iterdir()) == ["PG_VERSION"]


@pytest.mark.root
def test_roots_server_runs_as_nobody_on_files_of_its_own(place: Path) -> None:
    nobody = pwd.getpwnam("nobody").pw_uid
    with EmbeddedPostgres(place / "data", options=UNSAFE_AND_FAST) as server:
        assert Path(f"/proc/{server.pid}").stat().st_uid == nobody
        assert own_sockets(server.url).stat().st_uid == nobody
        assert stat.S_IMODE(own_sockets(server.url).stat().st_mode) == 0o700
    rights = {path.name: (path.stat().st_uid, stat.S_IMODE(path.stat().st_mode)) for path in (place / "data").iterdir()}
    assert rights.pop("postgres") == (nobody, 0o700)
    assert rights == {"lock": (0, 0o600), "postgres.log": (0, 0o600), "binaries": (0, 0o755)}


@pytest.mark.root
def test_roots_server_needs_no_way_to_the_programs_it_was_installed_from(place: Path) -> None:
    fast = partial(EmbeddedPostgres, options=UNSAFE_AND_FAST)
    with fast(place / "data") as server:
        program = Path(f"/proc/{server.pid}/exe").readlink()
    assert program.is_relative_to(place / "data/binaries" / server.version)
    made = program.stat().st_mtime_ns, program.stat().st_ino
    with fast(place / "data"):
        assert (program.stat().st_mtime_ns, program.stat().st_ino) == made


@pytest.mark.root
def test_root_takes_a_private_directory_that_is_empty(fast: Fast, place: Path) -> None:
    (place / "data").mkdir(mode=0o700)
    with fast(place / "data") as server:
        assert server.pid
    assert stat.S_IMODE((place / "data").stat().st_mode) == 0o711


@pytest.mark.root
def test_root_is_told_which_directory_keeps_the_servers_user_out(place: Path) -> None:
    (place / "private").mkdir(mode=0o700)
    told = refusal(place / "private/new/data")
    assert f"the server runs as nobody, who may not pass {place}/private." in told
    assert stat.S_IMODE((place / "private").stat().st_mode) == 0o700
    assert list((place / "private").iterdir()) == []


@pytest.mark.root
def test_root_leaves_a_private_directory_with_other_things_as_it_is(place: Path) -> None:
    (place / "data").mkdir(mode=0o700)
    (place / "data/letters").write_text("private")
    assert f"who may not pass {place}/data." in refusal(place / "data")
    assert stat.S_IMODE((place / "data").stat().st_mode) == 0o700


@pytest.mark.root
def test_root_refuses_a_directory_of_somebody_else(place: Path) -> None:
    (place / "data").mkdir()
    shutil.chown(place / "data", "daemon")
    assert "belongs to daemon, and this is root. Start as daemon" in refusal(place / "data")
    assert (place / "data").owner() == "daemon"


@pytest.mark.root
def test_root_refuses_a_directory_that_others_may_write_to(place: Path) -> None:
    (place / "data").mkdir()
    (place / "data").chmod(0o777)
    assert "others may write to it" in refusal(place / "data")


@pytest.mark.root
def test_an_ordinary_user_is_told_that_the_cluster_is_anothers(visitor: Starter, place: Path) -> None:
    visitor.owns(place)
    (place / "postgres").mkdir()
    with visitor.supervisor(place) as supervisor:
        assert "postgres/ in it belongs to root, not to nobody" in supervisor.said()["refused"]
