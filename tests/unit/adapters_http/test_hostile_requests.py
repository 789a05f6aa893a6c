"""Requests that could be read in two ways, or are large without a body: what aiohttp makes of them behind the guard."""

import pytest

from tests.support.visitors import GET, guarded_site

HOST = b"POST / HTTP/1.1\r\nHost: x\r\n"
SMUGGLED = b"0\r\n\r\nGET /much HTTP/1.1\r\nHost: x\r\n\r\n"

REFUSED = {
    "length and chunks": HOST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + SMUGGLED,
    "chunks and length": HOST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n" + SMUGGLED,
    "two lengths": HOST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "two lengths alike": HOST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "a list of lengths": HOST + b"Content-Length: 3, 3\r\n\r\nabc",
    "a signed length": HOST + b"Content-Length: +3\r\n\r\nabc",
    "no known coding": HOST + b"Transfer-Encoding: xchunked\r\n\r\n" + SMUGGLED,
    "chunks that are not last": HOST + b"Transfer-Encoding: chunked, identity\r\n\r\n" + SMUGGLED,
    "space before the colon": HOST + b"Content-Length : 3\r\n\r\nabc",
    "a folded line": HOST + b"A: b\r\n c\r\n\r\n",
    "a bare LF": b"GET / HTTP/1.1\nHost: x\n\n",
    "a bare CR": HOST + b"A: b\rContent-Length: 3\r\n\r\n",
    "a bare LF between chunks": HOST + b"Transfer-Encoding: chunked\r\n\r\n1\nA\n0\n\n",
    "NUL in a field": HOST + b"A: b\0c\r\n\r\n",
    "a control character in a field": HOST + b"A: b\x01c\r\n\r\n",
    "NUL in the path": b"GET /a\0b HTTP/1.1\r\nHost: x\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    "200 fields": b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 200 + b"\r\n",
    "a long field": b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"b" * 9000 + b"\r\n\r\n",
    "a long path": b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}


@pytest.mark.parametrize("request_", REFUSED.values(), ids=REFUSED)
async def test_what_could_be_read_in_two_ways_is_refused_and_ends_the_connection(request_: bytes) -> None:
    async with guarded_site() as site, site.visit() as visitor:
        visitor.send(request_)
        answers = await visitor.rest()
        assert answers.startswith(b"HTTP/1.0 400 Bad Request\r\n")
        assert b" 200 OK" not in answers


CHUNKED = b"POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("chunks", "length"),
    [
        pytest.param(b"1\r\nA\r\n" * 10_000 + b"0\r\n\r\n", 10_000, id="tiny chunks"),
        pytest.param(b"1;" + b"e" * 200_000 + b"\r\nA\r\n0\r\n\r\n", 1, id="a long extension"),
        pytest.param(b"0" * 200_000 + b"1\r\nA\r\n0\r\n\r\n", 1, id="a long size"),
    ],
)
async def test_wasteful_chunks_take_time_but_no_memory(chunks: bytes, length: int) -> None:
    """They end with the body's deadline, whatever they weigh on the wire."""
    async with guarded_site() as site, site.visit() as visitor:
        visitor.send(CHUNKED + chunks + GET)
        assert (await visitor.answer()).endswith(f"{length} bytes".encode())
        assert (await visitor.answer()).endswith(b"plain")


async def test_trailers_have_the_limits_of_a_head() -> None:
    async with guarded_site() as site, site.visit() as visitor:
        visitor.send(CHUNKED + b"0\r\n" + b"A: b\r\n" * 200 + b"\r\n")
        assert b" 400 " in await visitor.rest()
