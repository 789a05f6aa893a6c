"""How this program was called: what a person is told to type is what they can type."""

import re
import shlex
import shutil
import sys
from pathlib import Path

from adapters_postgres.embedded import default_data_dir

NAME = "zero2prod"

TYPED = re.compile(rf"(?:(?<=: )|(?<=`)|(?<=[Ss]tart )){NAME} (?=--data-dir |[a-z])")
"""Our name where it begins a command, as remedies write it; elsewhere it is a word."""


def program(data_dir: Path | None = None) -> str:
    """Our name as it was typed, with ``--data-dir`` where that directory is not the one that is taken by itself."""
    elsewhere = data_dir is not None and data_dir != default_data_dir()
    return shlex.join([_typed(), *(["--data-dir", str(data_dir)] if elsewhere else [])])


def as_called(text: str, data_dir: Path | None = None) -> str:
    """The text, with every command in it as whoever reads it can type it."""
    return TYPED.sub(lambda _: f"{program(data_dir)} ", text)


def _typed() -> str:
    """A shell that found us by our name alone gives the whole path; another program's name is none of ours."""
    typed = sys.argv[0]
    return NAME if Path(typed).name != NAME or typed == shutil.which(NAME) else typed
