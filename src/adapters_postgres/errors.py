"""The one place where the driver's errors become the house's, by SQLSTATE, never by message text.

No constraint stands for a refusal: verbs that may be refused write ``ON CONFLICT DO NOTHING`` and look at what came
back, so that the transaction stays usable. What is left is trouble with the server, and mistakes of ours.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from zero2prod_core.errors import Defect, SchemaRefused, StoreUnavailable, Zero2ProdError

# PostgreSQL 18, appendix A. Classes: 08 connection, 40 rolled back (serialization, deadlock), 53 out of something,
# 57 somebody intervened (shutdown, starting up, cancelled, timed out), 58 the server's disk or system.
PASSING_CLASSES = frozenset({"08", "40", "53", "57", "58"})

# 25006 read-only: a replica that a failover left behind. 25P03, 25P04: idle or too long in a transaction, ended by the
# server. 55P03: a lock that was not granted within lock_timeout.
PASSING_STATES = frozenset({"25006", "25P03", "25P04", "55P03"})

INSUFFICIENT_PRIVILEGE = "42501"

# 3F000, 42703, 42883, 42P01: no such schema, column, function or table.
LACKING_STATES = frozenset({"3F000", "42703", "42883", "42P01"})


def translate(error: psycopg.Error) -> Zero2ProdError:
    """What the caller is told: StoreUnavailable where the same call may succeed later, SchemaRefused where the schema
    is not up to date, else Defect.

    A defect names SQLSTATE and constraint only: the server's own words may quote what somebody typed.
    """
    state = error.sqlstate
    if state is None:
        lost = isinstance(error, psycopg.OperationalError)
        return StoreUnavailable() if lost else Defect(f"a statement could not be sent: {type(error).__name__}")
    if state == INSUFFICIENT_PRIVILEGE:
        return SchemaRefused("this role may not do that", "Give the owner's URL in ZERO2PROD_DATABASE_OWNER_URL")
    if state in LACKING_STATES:
        return SchemaRefused("what this program needs is not there", "Run: zero2prod migrate")
    if state in PASSING_STATES or state[:2] in PASSING_CLASSES:
        return StoreUnavailable()
    return Defect(" ".join(filter(None, ("a statement was refused:", state, error.diag.constraint_name))))


@contextmanager
def translated() -> Iterator[None]:
    """Let no driver error out of the block; the original is kept as the cause."""
    try:
        yield
    except psycopg.Error as error:
        raise translate(error) from error
    except UnicodeEncodeError as error:
        raise Defect(f"a statement could not be sent: {error.reason}") from error


def is_lost(error: Zero2ProdError) -> bool:
    """Whether ``error`` means that the connection ended, so that nobody knows what became of the last statement."""
    cause = error.__cause__
    if not isinstance(cause, psycopg.OperationalError):
        return False
    return cause.sqlstate is None or cause.sqlstate.startswith(("08", "57P"))
