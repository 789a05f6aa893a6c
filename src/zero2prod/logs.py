"""Logs: JSON lines on stdout for programs, a person's format on a terminal."""

import logging
import sys
from contextlib import suppress
from typing import TextIO, cast

import orjson
import structlog

from zero2prod.settings import LogFormat


def configure(form: LogFormat, stream: TextIO | None = None, least: int = logging.INFO) -> None:
    """Send our own logs from level ``least`` on, and warnings of the libraries, to ``stream`` (stdout)."""
    out = cast(TextIO, _Lasting(stream or sys.stdout))
    readable = form is LogFormat.TEXT or (form is LogFormat.AUTO and out.isatty())
    before: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # By default the console shows the local variables of every frame, and those hold tokens and e-mail addresses.
    last: structlog.typing.Processor = structlog.dev.ConsoleRenderer(
        colors=out.isatty(), exception_formatter=structlog.dev.plain_traceback
    )
    if not readable:
        before.append(structlog.processors.format_exc_info)
        last = structlog.processors.JSONRenderer(serializer=_dumps)
    structlog.configure(
        processors=[*before, last],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(foreign_pre_chain=before, processor=last)
    handler = logging.StreamHandler(out)
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    # It logs what is no HTTP with the bytes that came, which may hold a token; our own errors do not pass through it.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)


class _Lasting:
    """A stream that may go away or be full: what cannot be written is dropped, and nobody's work fails for it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):
            return self._stream.write(text)
        return 0

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._stream.flush()

    def isatty(self) -> bool:
        return not self._stream.closed and self._stream.isatty()


def _dumps(event: object, **_: object) -> str:
    return orjson.dumps(event, default=str).decode()
