"""What a running ``up`` tells the terminal: its settings, so that commands reach its database and know its keys."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import orjson

from zero2prod.settings import PREFIX

NAME = "running-settings"


@contextmanager
def published(data_dir: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """Within the block, keep the settings in ``environment`` in a file that only its owner may read."""
    path = data_dir / NAME
    own = {name: value for name, value in environment.items() if name.startswith(PREFIX)}
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(orjson.dumps(own))
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def read(data_dir: Path) -> Mapping[str, str]:
    """The settings of the ``up`` that runs on this directory, as an environment; empty where none does."""
    try:
        found = orjson.loads((data_dir / NAME).read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {}
