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


OWN_DATA_DIR = re.compile(r"(up )?--data-dir ")
"""Behind our name: a command that says itself which directory it is for."""


def program(data_dir: Path | None = None) -> str:
    """Our name as it was typed, with ``--data-dir`` where that directory is not the one that is taken by itself.

    None: with the ``--data-dir`` that was typed, if there was one.
    """
    if data_dir is None:
        return shlex.join([_typed(), *_typed_data_dir()])
    elsewhere = data_dir != default_data_dir()
    return shlex.join([_typed(), *(["--data-dir", str(data_dir)] if elsewhere else [])])


def as_called(text: str, data_dir: Path | None = None) -> str:
    """The text, with every command in it as whoever reads it can type it."""

    def called(name: re.Match[str]) -> str:
        says_itself = OWN_DATA_DIR.match(text, name.end())
        return f"{shlex.quote(_typed()) if says_itself else program(data_dir)} "

    return TYPED.sub(called, text)


def _typed_data_dir() -> list[str]:
    """It is the root command's only option with a value, so that it stands first."""
    match sys.argv[1:]:
        case ["--data-dir", directory, *_]:
            return ["--data-dir", directory]
        case [option, *_] if option.startswith("--data-dir="):
            return [option]
    return []


def _typed() -> str:
    """A shell that found us by our name alone gives the whole path; another program's name is none of ours."""
    typed = sys.argv[0]
    return NAME if Path(typed).name != NAME or typed == shutil.which(NAME) else typed
