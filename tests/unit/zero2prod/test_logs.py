"""What a line of the log looks like, and that logging fails nobody."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from zero2prod.logs import configure
from zero2prod.settings import LogFormat


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Leave logging as it was found."""
    root, server = logging.getLogger(), logging.getLogger("aiohttp.server")
    before, ours = (root.handlers[:], root.level, server.level), structlog.get_config()
    yield
    structlog.configure(**ours)
    structlog.contextvars.clear_contextvars()
    root.handlers[:], root.level, server.level = before


def logged(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.mark.parametrize(("stream", "coloured"), [(io.StringIO(), False), (Terminal(), True)])
def test_only_a_terminal_gets_colours(stream: io.StringIO, coloured: bool) -> None:
    configure(LogFormat.TEXT, stream)
    structlog.get_logger("test").info("started")
    assert ("\x1b[" in stream.getvalue()) is coloured


def test_what_is_below_the_least_level_is_left_out(stream: io.StringIO) -> None:
    configure(LogFormat.JSON, stream, logging.WARNING)
    structlog.get_logger("test").info("slow_statement")
    structlog.get_logger("test").warning("lease_lost")
    assert [entry["event"] for entry in logged(stream)] == ["lease_lost"]


class TestJson:
    def test_a_line_is_one_event_with_level_time_and_context(self, stream: io.StringIO) -> None:
        configure(LogFormat.JSON, stream)
        structlog.contextvars.bind_contextvars(request_id="request-1")
        structlog.get_logger("test").warning("lease_lost", lease="42", words="line\nbreak ☕")
        (entry,) = logged(stream)
        assert (entry["event"], entry["level"], entry["request_id"]) == ("lease_lost", "warning", "request-1")
        assert (entry["lease"], entry["words"]) == ("42", "line\nbreak ☕")
        assert entry["timestamp"].endswith("Z")

    def test_what_json_does_not_know_is_written_as_text(self, stream: io.StringIO) -> None:
        configure(LogFormat.JSON, stream)
        structlog.get_logger("test").info("started", format=LogFormat.JSON, error=ValueError("why"))
        assert logged(stream)[0]["error"] == "why"

    def test_an_exception_is_told_with_its_traceback(self, stream: io.StringIO) -> None:
        configure(LogFormat.JSON, stream)
        try:
            raise ValueError("why")
        except ValueError:
            structlog.get_logger("test").exception("failed")
        (entry,) = logged(stream)
        assert "ValueError: why" in entry["exception"]
        assert "test_logs.py" in entry["exception"]

    def test_details_for_debugging_are_left_out(self, stream: io.StringIO) -> None:
        configure(LogFormat.JSON, stream)
        structlog.get_logger("test").debug("detail")
        assert stream.getvalue() == ""

    def test_libraries_warnings_are_lines_of_the_same_kind(self, stream: io.StringIO) -> None:
        configure(LogFormat.JSON, stream)
        logging.getLogger("a.neighbour").warning("%s is odd", "this")
        logging.getLogger("a.neighbour").info("not interesting")
        (entry,) = logged(stream)
        assert (entry["event"], entry["level"]) == ("this is odd", "warning")
        assert "timestamp" in entry

    def test_so_are_their_exceptions(self, stream: io.StringIO) -> None:
        configure(LogFormat.JSON, stream)
        try:
            raise ValueError("why")
        except ValueError:
            logging.getLogger("a.neighbour").exception("failed")
        (entry,) = logged(stream)
        assert "ValueError: why" in entry["exception"]

    def test_the_server_logs_no_bytes_that_came(self, stream: io.StringIO) -> None:
        configure(LogFormat.JSON, stream)
        logging.getLogger("aiohttp.server").error("Error handling request: GET /?token=secret")
        assert stream.getvalue() == ""


class TestForms:
    def test_a_terminal_gets_a_persons_format(self) -> None:
        terminal = Terminal()
        configure(LogFormat.AUTO, terminal)
        structlog.get_logger("test").info("serving", port=8000)
        assert "serving" in terminal.getvalue()
        assert not terminal.getvalue().startswith("{")

    def test_anything_else_gets_json(self, stream: io.StringIO) -> None:
        configure(LogFormat.AUTO, stream)
        structlog.get_logger("test").info("serving", port=8000)
        assert logged(stream)[0]["port"] == 8000

    @pytest.mark.parametrize(("form", "is_json"), [(LogFormat.JSON, True), (LogFormat.TEXT, False)])
    def test_a_chosen_format_holds_everywhere(self, form: LogFormat, is_json: bool) -> None:
        for stream in (io.StringIO(), Terminal()):
            configure(form, stream)
            structlog.get_logger("test").info("serving")
            assert stream.getvalue().startswith("{") is is_json

    def test_without_a_stream_it_is_stdout(self, capsys: pytest.CaptureFixture[str]) -> None:
        configure(LogFormat.JSON)
        structlog.get_logger("test").info("serving")
        assert json.loads(capsys.readouterr().out)["event"] == "serving"


@pytest.mark.parametrize("form", LogFormat)
def test_a_traceback_shows_no_values_of_variables(form: LogFormat) -> None:
    terminal = Terminal()
    configure(form, terminal)
    token = "".join(["hunter", "2"])
    for log in (structlog.get_logger("test"), logging.getLogger("a.neighbour")):
        try:
            raise ValueError(f"{len(token)} characters")
        except ValueError:
            log.exception("failed")
    assert terminal.getvalue().count("ValueError: 7 characters") == 2
    assert "hunter2" not in terminal.getvalue()


class TestStreamsThatGoAway:
    def test_nobodys_work_fails_for_a_closed_one(self, stream: io.StringIO) -> None:
        configure(LogFormat.AUTO, stream)
        stream.close()
        structlog.get_logger("test").info("serving")
        logging.getLogger("a.neighbour").warning("odd")
        assert stream.closed

    def test_nor_for_a_full_one(self) -> None:
        class Full(io.StringIO):
            def write(self, text: str) -> int:
                raise OSError(28, "No space left on device")

        stream = Full()
        configure(LogFormat.JSON, stream)
        structlog.get_logger("test").info("serving")
        assert stream.getvalue() == ""

    def test_a_stream_that_is_closed_already_can_be_configured(self, stream: io.StringIO) -> None:
        stream.close()
        configure(LogFormat.AUTO, stream)
        structlog.get_logger("test").info("serving")
        assert stream.closed
