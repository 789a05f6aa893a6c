"""What a form may be, and what is refused of it."""

import asyncio
from collections.abc import Mapping
from urllib.parse import urlencode

import attrs
import pytest
from aiohttp import StreamReader, web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st

from adapters_http.forms import MOST_FIELDS, PARSED_INLINE, Form, read_form
from adapters_http.refusals import BodyBroken
from tests.support.http import CONFIG, FORM, House, serving
from zero2prod_core.errors import FieldInvalid, FieldMissing

GOOD = b"name=Ada&email=ada%40example.com"

texts = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"))


@given(st.dictionaries(texts, texts, max_size=20))
def test_what_urlencode_writes_is_read_back(fields: Mapping[str, str]) -> None:
    form = Form.parse(urlencode(fields).encode())
    assert {name: form.text(name) for name in fields} == fields


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"name=%41da", "Ada"),
        (b"name=Ada+L", "Ada L"),
        (b"name=a%2Bb", "a+b"),
        (b"name=%", "%"),
        (b"name=%4", "%4"),
        (b"name=%zz", "%zz"),
        (b"name==", "="),
        (b"&&name=a&&", "a"),
        (b"n%61me=a", "a"),
        (b"name", ""),
        (b"", ""),
        ("name=Zoë".encode(), "Zoë"),
        (b"name=%e2%98%83%F0%9F%8E%89", "☃🎉"),
    ],
)
def test_forms_are_read_as_browsers_write_them(body: bytes, text: str) -> None:
    assert Form.parse(body).text("name") == text


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (b"name=a&name=b", "given once"),
        (b"name=%ff", "UTF-8"),
        (b"name=\xff", "UTF-8"),
        (b"name=%ed%a0%80", "UTF-8"),
        (b"name=a%00b", "NUL"),
        (b"name=a\0b", "NUL"),
    ],
)
def test_a_field_that_cannot_be_text_is_refused_by_name(body: bytes, rule: str) -> None:
    with pytest.raises(FieldInvalid, match=rf"^name: .*{rule}"):
        Form.parse(body).text("name")


def test_fields_that_nobody_asks_for_are_never_looked_at() -> None:
    form = Form.parse(b"name=Ada&junk=%ff&junk=%00&%ff=1")
    assert form.text("name") == "Ada"


def test_an_empty_field_is_missing_where_it_is_required() -> None:
    with pytest.raises(FieldMissing, match=r"^name: missing"):
        Form.parse(b"name=").required("name")


def test_too_many_fields_are_refused() -> None:
    with pytest.raises(FieldInvalid, match=r"^body: must have at most"):
        Form.parse(b"&" * MOST_FIELDS)


def test_what_was_typed_is_shown_again_as_well_as_it_can_be() -> None:
    form = Form.parse(b"name=a%00%ffb&name=c")
    assert form.typed("name") == "a\ufffd\ufffdb"
    assert form.typed("email") == ""


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "text/plain", "multipart/form-data; boundary=b", "application/octet-stream", "nonsense"],
)
async def test_another_content_type_is_415(house: House, content_type: str) -> None:
    answer = await house.send("POST", "/subscriptions", {"Content-Type": content_type}, GOOD)
    assert answer.status == 415
    assert "Content-Type: must be application/x-www-form-urlencoded" in answer.text


async def test_json_is_415(house: House) -> None:
    answer = await house.send("POST", "/subscriptions", {"Content-Type": "application/json"}, b'{"name": "Ada"}')
    assert answer.status == 415


@pytest.mark.parametrize(("charset", "status"), [("UTF-8", 200), ("utf8", 200), ("latin-1", 415), ("utf-16", 415)])
async def test_only_utf_8_is_read(house: House, charset: str, status: int) -> None:
    headers = {"Content-Type": f"application/x-www-form-urlencoded; charset={charset}"}
    assert (await house.send("POST", "/subscriptions", headers, GOOD)).status == status


@pytest.mark.parametrize(("encoding", "status"), [("gzip", 415), ("br", 415), ("identity", 200)])
async def test_compressed_forms_are_415(house: House, encoding: str, status: int) -> None:
    answer = await house.send("POST", "/subscriptions", FORM | {"Content-Encoding": encoding}, GOOD)
    assert answer.status == status


async def test_no_body_at_all_is_an_empty_form(house: House) -> None:
    answer = await house.post("/subscriptions")
    assert answer.status == 400
    assert "Name is missing" in answer.text


async def test_the_largest_body_is_read_and_one_byte_more_is_413(house: House) -> None:
    largest = GOOD + b"&x=" + b"x" * (16 * 1024 - len(GOOD) - 3)
    assert (await house.send("POST", "/subscriptions", FORM, largest)).status == 200
    answer = await house.send("POST", "/subscriptions", FORM, largest + b"x")
    assert answer.status == 413
    assert "The form must have at most 16384 bytes" in answer.text


@pytest.mark.parametrize(("chunks", "status"), [([GOOD[:5], GOOD[5:]], 200), ([b"x" * 10_000] * 2, 413)])
async def test_a_body_without_a_length_is_counted_as_it_comes(house: House, chunks: list[bytes], status: int) -> None:
    answer = await _raw(house, b"Transfer-Encoding: chunked", *[_chunk(chunk) for chunk in chunks], b"0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 %d " % status)


async def test_chunks_that_cannot_be_read_are_400(house: House) -> None:
    answer = await _raw(house, b"Transfer-Encoding: chunked", b"zz\r\nname=Ada\r\n0\r\n\r\n")
    assert b" 400 " in answer.partition(b"\r\n")[0]
    assert b"Traceback" not in answer


@pytest.mark.parametrize("broken", [web.RequestPayloadError("half a chunk"), ConnectionResetError("they left")])
async def test_a_body_that_breaks_off_is_refused_as_broken(broken: Exception) -> None:
    payload = StreamReader(make_mocked_request("POST", "/").protocol, 2**16, loop=asyncio.get_running_loop())
    payload.set_exception(broken)
    request = make_mocked_request("POST", "/", FORM, payload=payload)
    with pytest.raises(BodyBroken, match="body: cannot be read to its end"):
        await read_form(request, 100, 1)


async def test_a_body_that_does_not_come_is_408() -> None:
    async with serving(attrs.evolve(CONFIG, body_seconds=0.05)) as house:
        answer = await _raw(house, b"Content-Length: 100", b"name=")
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"The form must arrive within 0.05 seconds" in answer


async def test_a_client_that_hangs_up_within_its_body_disturbs_nobody(house: House) -> None:
    _, writer = await _open(house, b"Content-Length: 100", b"name=")
    writer.transport.abort()
    assert (await house.send("POST", "/subscriptions", FORM, GOOD)).status == 200


async def test_a_large_form_is_read_beside_the_event_loop(staff: House) -> None:
    fields = {"title": "T", "text_content": "ж" * PARSED_INLINE, "idempotency_key": "k"}
    answer = await staff.post("/admin/newsletters", fields)
    assert answer.status == 303


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


async def _open(house: House, header: bytes, *parts: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    head = b"POST /subscriptions HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    writer.write(head + header + b"\r\n\r\n")
    for part in parts:
        writer.write(part)
        await writer.drain()
    return reader, writer


async def _raw(house: House, header: bytes, *parts: bytes) -> bytes:
    return await _answer(*await _open(house, header, *parts))


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """The answer's head and as much of its body as comes with the length it names."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(next(line for line in head.split(b"\r\n") if line.startswith(b"Content-Length:")).split(b":")[1])
    body = await reader.readexactly(length)
    writer.transport.abort()
    return head + body
