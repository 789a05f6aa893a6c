"""Postmark's e-mail API on loopback, in this process, which can be told to answer anything."""

import asyncio
import json
import ssl
import struct
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from socket import SO_LINGER, SOL_SOCKET
from types import TracebackType
from typing import Any, Self

import attrs
from aiohttp import web

from tests.support.waiting import PATIENCE

RESET = "reset the connection"
CLOSE = "close the connection"
SILENT = "say nothing"

TAKEN = 0
"""Postmark's error code of a message that it took."""

UNPROCESSABLE = 422
"""The HTTP status with which Postmark refuses the one message of a request."""

AT_ONCE = struct.pack("ii", 1, 0)
"""SO_LINGER on, for 0 s: closing sends RST."""

MOST_BYTES = 50 * 1024 * 1024
"""What Postmark takes in one request."""


@attrs.frozen
class Message:
    """One message of a request, as the API names its parts."""

    parts: Mapping[str, Any]

    def __getitem__(self, part: str) -> str:
        text = self.parts[part]
        assert isinstance(text, str)
        return text

    @property
    def headers(self) -> list[tuple[str, str]]:
        return [(header["Name"], header["Value"]) for header in self.parts["Headers"]]


@attrs.frozen
class Answer:
    """What a request gets instead of the usual."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = attrs.field(factory=dict)

    @classmethod
    def of(cls, answer: object, status: int = 200) -> "Answer":
        """With JSON."""
        return cls(status, json.dumps(answer).encode(), {"Content-Type": "application/json"})


@attrs.frozen
class Received:
    """A request that came in whole. ``connection`` is the client's port."""

    path: str
    token: str
    messages: Sequence[Message]
    connection: int


class PostmarkServer:
    """Listens on loopback while it is entered; ``url`` is what ZERO2PROD_MAIL_POSTMARK_URL takes.

    ``requests`` has every request that came, ``messages`` those of all of them, whatever was answered. ``codes`` holds
    error codes by recipient. ``script`` is a queue of what the next requests get: an `Answer`, ``RESET``, ``CLOSE``,
    ``SILENT``, or None for the usual. ``hold``, where it is set, is waited for first. ``at_request`` is called with
    each request before it is answered.
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Received] = []
        self.codes: dict[str, int] = {}
        self.script: deque[Answer | str | None] = deque()
        self.hold: asyncio.Event | None = None
        self.at_request: Callable[[Received], None] = self.requests.append
        self.port = 0
        self._tls = tls
        self._changed = asyncio.Condition()
        app = web.Application(client_max_size=MOST_BYTES)
        app.add_routes([web.post("/email", self._one), web.post("/email/batch", self._batch)])
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=self._tls)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def messages(self) -> list[Message]:
        return [message for request in self.requests for message in request.messages]

    async def received(self, requests: int) -> None:
        """Wait until so many requests have come."""
        async with self._changed:
            await asyncio.wait_for(self._changed.wait_for(lambda: len(self.requests) >= requests), PATIENCE)

    async def _one(self, request: web.Request) -> web.StreamResponse:
        message = await request.json()
        answer = self._answer(message)
        usual = web.json_response(answer, status=200 if answer["ErrorCode"] == TAKEN else UNPROCESSABLE)
        return await self._respond(request, [message], usual)

    async def _batch(self, request: web.Request) -> web.StreamResponse:
        messages = await request.json()
        return await self._respond(request, messages, web.json_response([self._answer(each) for each in messages]))

    def _answer(self, message: Mapping[str, Any]) -> dict[str, Any]:
        code = self.codes.get(message["To"], TAKEN)
        if code != TAKEN:
            return {"ErrorCode": code, "Message": f"refused with {code}"}
        return {"To": message["To"], "ErrorCode": TAKEN, "Message": "OK", "MessageID": "0a1b2c3d"}

    async def _respond(
        self, request: web.Request, messages: Sequence[Mapping[str, Any]], usual: web.Response
    ) -> web.StreamResponse:
        assert request.transport
        port = request.transport.get_extra_info("peername")[1]
        token = request.headers.get("X-Postmark-Server-Token", "")
        self.at_request(Received(request.path, token, [Message(each) for each in messages], port))
        async with self._changed:
            self._changed.notify_all()
        if self.hold:
            await self.hold.wait()
        act = self.script.popleft() if self.script else None
        if isinstance(act, str):
            _drop(request.transport, act)
            await asyncio.Event().wait()  # until the connection is lost, which cancels this
        if isinstance(act, Answer):
            return web.Response(status=act.status, body=act.body, headers=act.headers)
        return usual


def _drop(transport: asyncio.Transport, act: str) -> None:
    if act == RESET:
        transport.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, AT_ONCE)
    if act in {RESET, CLOSE}:
        transport.abort()
