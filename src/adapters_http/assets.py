"""Style sheets and images, by name: each under a URL that changes with its content, so that browsers may keep it."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

__all__ = ["STATIC", "VERSION", "asset", "content_of", "version_of"]

STATIC: Final = Path(__file__).parent / "ui" / "static"

VERSION: Final = "v"

# Characters of a SHA-256: enough to tell two versions of one file apart.
LENGTH: Final = 12

# Read once: what is on the disk changes with an upgrade, and that comes with a new process.
_CONTENTS: Final[Mapping[str, bytes]] = {file.name: file.read_bytes() for file in STATIC.iterdir()}
_VERSIONS: Final[Mapping[str, str]] = {
    name: hashlib.sha256(content).hexdigest()[:LENGTH] for name, content in _CONTENTS.items()
}


def asset(name: str) -> str:
    """The path and query of the file of this name. Raises KeyError where there is none."""
    return f"/static/{name}?{VERSION}={_VERSIONS[name]}"


def content_of(name: str) -> bytes:
    """Raises KeyError where there is no file of this name."""
    return _CONTENTS[name]


def version_of(name: str) -> str | None:
    """What tells the file's content from any other; None where there is no file of this name."""
    return _VERSIONS.get(name)
