import psycopg
import pytest
from psycopg import errors

from adapters_postgres.errors import is_lost, translate, translated
from zero2prod_core.errors import Defect, SchemaRefused, StoreUnavailable, Zero2ProdError


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (psycopg.OperationalError("the connection is closed"), StoreUnavailable),
        (errors.AdminShutdown(), StoreUnavailable),
        (errors.CannotConnectNow(), StoreUnavailable),
        (errors.ConnectionFailure(), StoreUnavailable),
        (errors.DeadlockDetected(), StoreUnavailable),
        (errors.DiskFull(), StoreUnavailable),
        (errors.IdleInTransactionSessionTimeout(), StoreUnavailable),
        (errors.IoError(), StoreUnavailable),
        (errors.LockNotAvailable(), StoreUnavailable),
        (errors.QueryCanceled(), StoreUnavailable),
        (errors.ReadOnlySqlTransaction(), StoreUnavailable),
        (errors.SerializationFailure(), StoreUnavailable),
        (errors.TooManyConnections(), StoreUnavailable),
        (psycopg.InterfaceError("the cursor is closed"), Defect),
        (psycopg.ProgrammingError("a placeholder without its value"), Defect),
        (errors.InsufficientPrivilege(), SchemaRefused),
        (errors.SyntaxError(), Defect),
        (errors.UndefinedTable(), SchemaRefused),
        (errors.UniqueViolation(), Defect),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else type(value).__name__,
)
def test_trouble_with_the_server_is_told_from_mistakes_of_ours(
    error: psycopg.Error, told: type[Zero2ProdError]
) -> None:
    assert type(translate(error)) is told


def test_a_defect_names_the_sqlstate_and_repeats_nothing_of_what_was_written() -> None:
    message = str(translate(errors.UniqueViolation("Key (email)=(ada@example.com) already exists.")))
    assert "23505" in message
    assert "ada@example.com" not in message


def test_the_drivers_error_is_kept_as_the_cause() -> None:
    deadlock = errors.DeadlockDetected()
    with pytest.raises(StoreUnavailable) as caught, translated():
        raise deadlock
    assert caught.value.__cause__ is deadlock


def test_text_that_utf_8_cannot_hold_is_a_defect() -> None:
    with pytest.raises(Defect, match="surrogates not allowed"), translated():
        "\udcff".encode()


def test_other_errors_pass() -> None:
    with pytest.raises(KeyError), translated():
        raise KeyError


@pytest.mark.parametrize(
    ("cause", "lost"),
    [
        (psycopg.OperationalError("server closed the connection"), True),
        (errors.AdminShutdown(), True),
        (errors.ConnectionFailure(), True),
        (errors.SerializationFailure(), False),
        (errors.DiskFull(), False),
        (errors.UniqueViolation(), False),
        (TimeoutError(), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_lost_connection_is_told_from_a_statement_that_failed(cause: Exception, lost: bool) -> None:
    error = StoreUnavailable()
    error.__cause__ = cause
    assert is_lost(error) is lost
