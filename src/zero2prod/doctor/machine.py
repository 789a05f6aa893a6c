"""Checks of this machine: its keys, the files they are in, and the room for data."""

import shutil
import stat
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from zero2prod import kept_keys, running_settings
from zero2prod.doctor.findings import Verdict, error, fine, warning
from zero2prod.doctor.patient import Patient
from zero2prod.settings import is_secret, name_of, options
from zero2prod.settings_checks import MAKES_A_KEY
from zero2prod.settings_loading import FILE
from zero2prod_core.domain.keys import SETTING as KEYS_SETTING

MIB = 1024 * 1024

ROOM_TELLS = 1024 * MIB
"""Octets: an issue for a million readers writes about as much, its index and log counted."""

ROOM_BREAKS = 128 * MIB
"""Octets: eight segments of PostgreSQL's log, without which it stops."""


async def keys(patient: Patient) -> Verdict:
    """That each is long enough was checked when the settings were loaded."""
    if not patient.settings.secret.keys:
        return error("there is none", f"Give one in {KEYS_SETTING}, made by: {MAKES_A_KEY}")
    ring = patient.settings.keys
    return fine(f"{len(ring.keys)} listed, the newest is {ring.newest.id}")


async def secret_files(patient: Patient) -> Verdict:
    """Whether other users of this machine can read a file with secrets in it."""
    found = sorted({path for path in _files_with_secrets(patient) if _is_readable_by_others(path)})
    if found:
        names = " ".join(str(path) for path in found)
        return warning(f"every user of this machine can read {names}", f"Run: chmod o-rwx {names}")
    return fine("no other user can read those in files")


def _files_with_secrets(patient: Patient) -> Iterator[Path]:
    secrets = [path for path in options() if is_secret(path)]
    for path in secrets:
        if name := patient.environment.get(f"{name_of(path)}_FILE"):
            yield Path(name)
    if any(_given(_settings_file(), path) for path in secrets):
        yield FILE
    yield from (file.path for file in patient.settings.dkim_files)
    if patient.data_dir:
        yield from (patient.data_dir / kept_keys.NAME, patient.data_dir / running_settings.NAME)


def _settings_file() -> Mapping[str, Any]:
    """An unreadable one was refused when the settings were loaded."""
    return tomllib.loads(FILE.read_text()) if FILE.exists() else {}


def _given(file: Mapping[str, Any], path: str) -> bool:
    section, _, option = path.partition(".")
    return bool(file.get(section, {}).get(option))


def _is_readable_by_others(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:
        return False


async def room(patient: Patient) -> Verdict:
    """Free space where ``up`` keeps the database."""
    if patient.data_dir is None or not patient.data_dir.exists():
        return fine("the database keeps its data elsewhere")
    free = shutil.disk_usage(patient.data_dir).free
    said = f"{free // MIB} MiB are free in {patient.data_dir}"
    if free >= ROOM_TELLS:
        return fine(said)
    judge = error if free < ROOM_BREAKS else warning
    return judge(said, "Free some space on its disk, or move it to a larger one and say so by --data-dir")
