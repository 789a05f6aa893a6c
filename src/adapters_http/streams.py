"""Server-sent events (WHATWG HTML, section 9.2): one stream for each page that is open."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

import attrs
import structlog
from aiohttp import hdrs, web

from adapters_http.middleware.requests import REQUEST_ID, origin_of
from adapters_http.patience import COUNTING, promptly
from adapters_http.watching import Rhythm, Watch
from zero2prod_core.domain.progress_reports import ProgressReport
from zero2prod_core.errors import Zero2ProdError

__all__ = ["Event", "Streams"]

# Each holds a connection and an issue in memory; with more, pages without a stream still work.
MOST_STREAMS: Final = 200

# Browsers open six connections to a host over HTTP/1.1: with as many streams, no page would load any more.
MOST_OF_A_SESSION: Final = 4

# Milliseconds. A process that was restarted answers again within that.
RETRY: Final = 3000

# Seconds in which a browser that is alive takes a few hundred bytes from the connection's buffer.
STUCK_AFTER: Final = 30.0

HEADERS: Final[Mapping[str, str]] = {
    hdrs.CONTENT_TYPE: "text/event-stream; charset=utf-8",
    # nginx would else keep events back until its buffer is full.
    "X-Accel-Buffering": "no",
}

HEARTBEAT: Final = b":\n\n"

OVER: Final = "over"

log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


@attrs.frozen
class Event:
    """``data`` is one line. Its id is made of it, so that a browser that comes back is told what is new to it."""

    data: str
    kind: str = "message"

    @property
    def id(self) -> str:
        return hashlib.sha256(self.data.encode()).hexdigest()[:16]

    def encoded(self) -> bytes:
        return f"event: {self.kind}\nid: {self.id}\ndata: {self.data}\n\n".encode()


class Streams:
    """The streams of a process: how many there are, and that they end with it.

    Args:
        is_alive: whether a request's session still is; asked without counting as a use of it.
    """

    def __init__(self, is_alive: Callable[[web.Request], Awaitable[bool]], rhythm: Rhythm) -> None:
        self._is_alive = is_alive
        self._rhythm = rhythm
        self._open: Counter[bytes] = Counter()
        self._tasks: set[asyncio.Task[object]] = set()
        self._closing = False

    async def close(self, _app: web.Application) -> None:
        """For ``on_shutdown``: every stream ends now, and a browser comes back to whoever answers then."""
        self._closing = True
        for task in self._tasks:
            task.cancel()

    async def answer(
        self,
        request: web.Request,
        session: bytes,
        watching: AbstractAsyncContextManager[Watch],
        told: Callable[[ProgressReport], str],
    ) -> web.StreamResponse:
        """Stream what is told of an issue until it is over, the session ends, or the browser leaves.

        Raises:
            HTTPTooManyRequests: too many streams are open, of this session or in all.
            IssueUnknown, Unavailable: the first look fails.
        """
        async with self._place(session), watching as watch:
            first = await promptly(watch.after(None), COUNTING)
            response = await self._begun(request)
            await _ended(_Stream(request, response, watch, self._is_alive, self._rhythm).run(first, told))
            return response

    @asynccontextmanager
    async def _place(self, session: bytes) -> AsyncIterator[None]:
        if self._closing or self._open.total() >= MOST_STREAMS or self._open[session] >= MOST_OF_A_SESSION:
            raise web.HTTPTooManyRequests
        self._open[session] += 1
        task = asyncio.current_task()
        self._tasks |= {task} if task else set()
        try:
            yield
        finally:
            self._tasks -= {task} if task else set()
            self._open[session] -= 1
            self._open += Counter()  # forgets those of which none is open

    async def _begun(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={**HEADERS, REQUEST_ID: origin_of(request).request_id or ""})
        await response.prepare(request)
        await response.write(f"retry: {RETRY}\n\n".encode())
        return response


async def _ended(stream: Awaitable[None]) -> None:
    """A stream that has begun is its request's answer, so however it ends, nothing else may follow: the browser comes
    back by itself, and is then told what is wrong.
    """
    try:
        await stream
    except (ConnectionError, TimeoutError, Zero2ProdError, asyncio.CancelledError):
        return
    except Exception:
        log.exception("stream_failed")


@attrs.define
class _Stream:
    """One stream that has begun."""

    request: web.Request
    response: web.StreamResponse
    watch: Watch
    is_alive: Callable[[web.Request], Awaitable[bool]]
    rhythm: Rhythm
    checked_at: float = 0.0
    wrote_at: float = 0.0

    async def run(self, first: ProgressReport, told: Callable[[ProgressReport], str]) -> None:
        report, before = first, self.request.headers.get("Last-Event-ID")
        self.checked_at = self.wrote_at = asyncio.get_running_loop().time()
        while True:
            event = Event(told(report))
            if event.id != before:
                await self._write(event.encoded())
                before = event.id
            if report.is_over:
                await self._write(Event(event.data, OVER).encoded())
                return
            following = await self._next(report)
            if following is None:
                return
            report = following

    async def _next(self, seen: ProgressReport) -> ProgressReport | None:
        """The next look; None when there is nobody any more to be told."""
        waiting = asyncio.ensure_future(self.watch.after(seen))
        try:
            while True:
                done, _ = await asyncio.wait({waiting}, timeout=min(self.rhythm.beat, self.rhythm.recheck))
                if not await self._goes_on():
                    return None
                if done:
                    return waiting.result()
        finally:
            waiting.cancel()

    async def _goes_on(self) -> bool:
        """Whether somebody may and does still listen; keeps the connection alive."""
        now = asyncio.get_running_loop().time()
        if self.request.transport is None or self.request.transport.is_closing():
            return False
        if now - self.checked_at >= self.rhythm.recheck:
            self.checked_at = now
            if not await self.is_alive(self.request):
                return False
        if now - self.wrote_at >= self.rhythm.beat:
            await self._write(HEARTBEAT)
        return True

    async def _write(self, data: bytes) -> None:
        """Raises TimeoutError where the browser does not read any more."""
        self.wrote_at = asyncio.get_running_loop().time()
        async with asyncio.timeout(STUCK_AFTER):
            await self.response.write(data)
