"""Statements live in ``sql/<noun>.sql``, one under each line ``-- name: verb``, with parameters like ``%(name)s``."""

import re
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import LiteralString

HEADING = re.compile(r"^-- name: ([a-z_]+)\n", re.MULTILINE)


def load(noun: str) -> Mapping[str, LiteralString]:
    """The statements of one noun by their names.

    Each begins with a comment that names it (``/* tokens.spend */``), so that the server's views and logs do too.

    Errors:
        ValueError: the file has text before its first heading, an empty block, or one name twice.
    """
    text = files(__package__).joinpath("sql", f"{noun}.sql").read_text(encoding="utf-8")
    return MappingProxyType(dict(_blocks(noun, text)))


def _blocks(noun: str, text: str) -> list[tuple[str, LiteralString]]:
    # A file of this package is as constant as a literal in it: nothing typed by a user ever becomes a statement.
    preamble, *parts = HEADING.split(text)
    names, bodies = parts[::2], [body.strip().removesuffix(";") for body in parts[1::2]]
    if preamble.strip() or not all(bodies) or len(set(names)) < len(names):
        raise ValueError(f"sql/{noun}.sql: every statement needs a heading of its own, '-- name: verb'")
    return [(name, f"/* {noun}.{name} */ {body}") for name, body in zip(names, bodies, strict=True)]
