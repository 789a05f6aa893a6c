"""HTTP as it stands on the wire: requests of any octets, and answers that must be well-formed (RFC 9112)."""

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress

import attrs

from tests.support.waiting import PATIENCE

STATUS_LINE = re.compile(rb"HTTP/\d\.\d ([1-5]\d\d) [\x20-\x7e]*")
"""In whatever version was asked for."""

FIELD_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([\t\x20-\x7e\x80-\xff]*)")
CHUNK = re.compile(rb"([0-9A-Fa-f]+)\r\n")

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

WITHOUT_BODY = frozenset({204, 304})

Fields = Sequence[tuple[bytes, bytes]]


class Malformed(Exception):
    """An answer breaks the protocol."""


@attrs.frozen
class Reply:
    """``fields`` in the order in which they came, their names in lower case."""

    status: int
    fields: Fields
    body: bytes

    def all(self, name: bytes) -> Sequence[bytes]:
        return [value for each, value in self.fields if each == name]


def written(method: bytes, target: bytes, fields: Fields = (), body: bytes | None = None) -> bytes:
    """A request whose connection ends with it. Nothing in it is checked."""
    usual = [(b"Host", b"news.example"), (b"Connection", b"close")]
    length = [] if body is None else [(b"Content-Length", b"%d" % len(body))]
    lines = [b"%s: %s\r\n" % field for field in [*usual, *fields, *length]]
    return b"%s %s HTTP/1.1\r\n%s\r\n%s" % (method, target, b"".join(lines), body or b"")


async def ask(port: int, request: bytes) -> Reply | None:
    """The answer to one request; None where the connection was ended without any.

    Raises:
        Malformed: it is no HTTP.
        TimeoutError: it took too long.
    """
    async with asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            received = await _exchanged(reader, writer, request)
        finally:
            writer.transport.abort()
            with suppress(ConnectionError):
                await writer.wait_closed()
    return parsed(received, has_body=not request.startswith(b"HEAD ")) if received else None


async def _exchanged(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> bytes:
    """All that comes. Of a request that is refused early, the rest may find the connection closed."""
    received = bytearray()
    writer.write(request)
    with suppress(ConnectionError):
        while data := await reader.read(64 * 1024):
            received += data
    return bytes(received)


def parsed(received: bytes, *, has_body: bool = True) -> Reply:
    """Raises Malformed."""
    head, end, rest = received.removeprefix(CONTINUE).partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    status, fields = STATUS_LINE.fullmatch(first), [FIELD_LINE.fullmatch(line) for line in lines]
    if not (end and status) or None in fields:
        raise Malformed(received[:500])
    code = int(status[1])
    reply = Reply(code, [(field[1].lower(), field[2]) for field in fields if field], rest)
    return attrs.evolve(reply, body=_body(reply, has_body=has_body and code not in WITHOUT_BODY))


def _body(reply: Reply, *, has_body: bool) -> bytes:
    lengths, codings = reply.all(b"content-length"), reply.all(b"transfer-encoding")
    if len(lengths) + len(codings) > 1:
        raise Malformed(reply)
    if not has_body:
        expected = b""
    elif codings:
        return _unchunked(reply.body)
    else:
        expected = reply.body[: int(lengths[0])] if lengths else reply.body
    if reply.body != expected or (has_body and lengths and len(expected) != int(lengths[0])):
        raise Malformed(reply)
    return reply.body


def _unchunked(rest: bytes) -> bytes:
    body = b""
    while size := CHUNK.match(rest):
        length, start = int(size[1], 16), size.end()
        body, rest = body + rest[start : start + length], rest[start + length :]
        if not rest.startswith(b"\r\n"):
            break
        rest = rest[2:]
        if length == 0 and not rest:
            return body
    raise Malformed(rest[:500])
