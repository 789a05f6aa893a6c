"""Methods, unknown paths, and what is hardly HTTP."""

import asyncio

import pytest

from tests.support.http import House

READ = "GET,HEAD"

ALLOWED = [
    ("/", READ),
    ("/health_check", READ),
    ("/health/ready", READ),
    ("/subscriptions", "POST"),
    ("/subscriptions/confirm", "GET,HEAD,POST"),
    ("/login", "GET,HEAD,POST"),
    ("/setup", "GET,HEAD,POST"),
    ("/admin/dashboard", READ),
    ("/unsubscribe/x", "GET,HEAD,POST"),
    ("/admin/newsletters", "GET,HEAD,POST"),
    ("/admin/newsletters/default/settings", "GET,HEAD,POST"),
    ("/admin/checklist", "POST"),
    ("/admin/password", "GET,HEAD,POST"),
    ("/admin/subscribers", "GET,HEAD,POST"),
    ("/admin/logout", "POST"),
    ("/static/style.css", READ),
]


@pytest.mark.parametrize(("path", "allowed"), ALLOWED)
@pytest.mark.parametrize("method", ["DELETE", "PUT", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
async def test_a_wrong_method_is_405_with_those_that_are_right(
    house: House, path: str, allowed: str, method: str
) -> None:
    answer = await house.send(method, path)
    assert answer.status == 405
    assert sorted(answer.headers["Allow"].split(",")) == sorted(allowed.split(","))


@pytest.mark.parametrize("path", [path for path, allowed in ALLOWED if "GET" in allowed])
async def test_head_answers_as_get_without_the_body(staff: House, path: str) -> None:
    get, head = await staff.get(path), await staff.send("HEAD", path)
    assert (head.status, head.body) == (get.status, b"")
    assert head.headers.get("Content-Type") == get.headers.get("Content-Type")


@pytest.mark.parametrize("path", ["/nowhere", "/admin/nowhere", "/subscriptions/", "/Login"])
async def test_what_does_not_exist_is_a_page_that_says_so(house: House, path: str) -> None:
    answer = await house.get(path)
    assert answer.status == 404
    assert "Nothing here" in answer.text


@pytest.mark.parametrize(
    "octets",
    [
        b"NONSENSE\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nBad Header: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 20_000 + b"\r\n\r\n",
        b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX-Nul: a\0b\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
async def test_what_is_no_http_is_a_400_without_names_and_traces(house: House, octets: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    writer.write(octets)
    answer = await reader.read()
    writer.close()
    assert b" 400 " in answer.partition(b"\r\n")[0]
    assert b"Server: zero2prod\r\n" in answer
    for word in (b"aiohttp/", b"Python/", b"Traceback"):
        assert word not in answer
    assert (await house.get("/")).status == 200


@pytest.mark.parametrize("expectation", ["another thing", "<b>", "\udcff\udcfe", ""])
async def test_what_else_a_client_expects_is_passed_over(house: House, expectation: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    head = f"GET /nowhere HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: {expectation}\r\n\r\n"
    writer.write(head.encode(errors="surrogateescape"))
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"X-Request-Id: " in answer


async def test_who_waits_for_a_word_before_the_body_gets_it(house: House) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    body = b"email=ada%40example.com"
    head = b"POST /preferences HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-Continue\r\n"
    writer.write(head + b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n" % len(body))
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(body)
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 200 ")


async def test_the_host_header_leads_nowhere(house: House) -> None:
    for path in ("/", "/login", "/admin/dashboard", "/nowhere"):
        answer = await house.get(path, headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"})
        assert b"evil.example" not in answer.body
        assert "evil.example" not in str(answer.headers)
