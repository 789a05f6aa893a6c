"""Statements that take long are logged by their names, and never with a parameter."""

import re
from collections.abc import Sequence
from typing import Final

import structlog
from psycopg.abc import Query

__all__ = ["note"]

# Seconds. Ours take a few milliseconds, except those that write or count a whole audience; a person notices a tenth.
SLOW: Final = 0.1

NAMED: Final = re.compile(r"/\* (\w+\.\w+) \*/")

log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


def note(statements: Sequence[Query], seconds: float) -> None:
    """Log statements that took so long together, if that is long. One that waited for a lock did, too."""
    if seconds > SLOW:
        log.info("slow_statement", statement=" ".join(map(_name, statements)), ms=round(seconds * 1000))


def _name(statement: Query) -> str:
    """``noun.name`` where the statement begins with that, else its first word."""
    text = statement if isinstance(statement, str) else ""
    named = NAMED.match(text)
    return named[1] if named else text.partition(" ")[0] or "unnamed"
