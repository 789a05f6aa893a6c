import asyncio
from collections.abc import Mapping
from ipaddress import ip_network

import attrs
import pytest
from structlog.testing import capture_logs

from adapters_http.config import HttpConfig
from adapters_http.instruments import Instruments
from tests.support.http import CONFIG, Answer, serving
from zero2prod_core.ports.telemetry import SILENT

NUMBERS = b"zero2prod_store_up 1.0\n"
LOOPBACK = (ip_network("127.0.0.0/8"),)
ELSEWHERE = (ip_network("192.0.2.0/24"),)
BEHIND_A_PROXY = attrs.evolve(CONFIG, trusted_proxies=LOOPBACK)


async def tell() -> bytes:
    return NUMBERS


async def asked(
    config: HttpConfig = CONFIG, headers: Mapping[str, str] | None = None, path: str = "/metrics"
) -> Answer:
    """The answer to somebody on loopback."""
    async with serving(config, instruments=Instruments(SILENT, tell)) as house:
        return await house.get(path, headers)


async def test_loopback_sees_the_numbers() -> None:
    answer = await asked()
    assert (answer.status, answer.body) == (200, NUMBERS)
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers


async def test_a_session_changes_nothing() -> None:
    answer = await asked(headers={"Cookie": "session=whatever"})
    assert (answer.status, answer.body, answer.cookies) == (200, NUMBERS, {})


async def test_where_nobody_counts_there_is_nothing_to_see() -> None:
    async with serving() as house:
        answer = await house.get("/metrics")
    assert (answer.status, answer.body) == (200, b"")


async def test_to_any_other_network_the_page_does_not_exist() -> None:
    config = attrs.evolve(CONFIG, metrics_networks=ELSEWHERE)
    refused, missing = await asked(config), await asked(config, path="/nowhere")
    assert refused.status == missing.status == 404
    assert without_id(refused) == without_id(missing)
    assert refused.headers.keys() == missing.headers.keys()


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
async def test_only_those_who_may_see_it_are_told_that_it_is_only_to_be_read(method: str) -> None:
    for config, path, status, allowed in (
        (CONFIG, "/metrics", 405, "GET,HEAD"),
        (attrs.evolve(CONFIG, metrics_networks=ELSEWHERE), "/metrics", 404, None),
        (CONFIG, "/nowhere", 404, None),
    ):
        async with serving(config, instruments=Instruments(SILENT, tell)) as house:
            answer = await house.send(method, path)
        assert (answer.status, answer.headers.get("Allow")) == (status, allowed)


def without_id(answer: Answer) -> str:
    return answer.text.replace(answer.headers["X-Request-Id"], "")


@pytest.mark.parametrize(
    "header", ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP", "X-Forwarded-Host", "X-Forwarded-Proto"]
)
async def test_what_a_stranger_s_proxy_forwards_is_not_loopback(header: str) -> None:
    assert (await asked(headers={header: "127.0.0.1"})).status == 404


@pytest.mark.parametrize(
    ("forwarded", "status"),
    [
        ({"X-Forwarded-For": "192.0.2.7"}, 200),
        ({"X-Forwarded-For": "198.51.100.7"}, 404),
        ({"X-Forwarded-For": "192.0.2.7, 198.51.100.7"}, 404),
        ({"X-Forwarded-For": "198.51.100.7, 192.0.2.7"}, 200),
        ({"X-Forwarded-For": "127.0.0.1"}, 404),
        ({"X-Forwarded-For": "unknown"}, 404),
        ({"X-Forwarded-For": ""}, 404),
        ({"Forwarded": "for=192.0.2.7"}, 404),
        ({}, 200),
    ],
)
async def test_behind_a_trusted_proxy_the_client_counts(forwarded: Mapping[str, str], status: int) -> None:
    config = attrs.evolve(BEHIND_A_PROXY, metrics_networks=LOOPBACK + ELSEWHERE)
    assert (await asked(config, forwarded)).status == status


@pytest.mark.parametrize(
    ("base_url", "host", "status"),
    [
        ("https://news.example", "news.example", 404),
        ("https://news.example", "News.Example:8000", 404),
        ("https://news.example", "news.example.:443", 404),
        ("https://bücher.example", "xn--bcher-kva.example", 404),
        ("https://[2001:db8::7]", "[2001:db8::7]:443", 404),
        ("https://news.example", "127.0.0.1:8000", 200),
        ("https://news.example", "news.example.internal", 200),
        ("https://news.example", "10.0.7.3:8000", 200),
        ("http://localhost:8000", "localhost:8000", 200),
        ("http://news.localhost:8000", "news.localhost:8000", 200),
        ("http://127.0.0.1:8000", "127.0.0.1:8000", 200),
        ("http://[::1]:8000", "[::1]:8000", 200),
    ],
)
async def test_a_proxy_that_adds_nothing_is_told_by_the_public_name(base_url: str, host: str, status: int) -> None:
    assert (await asked(attrs.evolve(CONFIG, base_url=base_url), {"Host": host})).status == status


async def test_a_trusted_proxy_may_be_asked_by_the_public_name() -> None:
    config = attrs.evolve(BEHIND_A_PROXY, metrics_networks=ELSEWHERE)
    assert (await asked(config, {"Host": "news.example", "X-Forwarded-For": "192.0.2.7"})).status == 200


@pytest.mark.parametrize(("version", "status"), [("1.0", 404), ("1.1", 200)])
async def test_a_proxy_that_adds_nothing_is_told_by_its_version(version: str, status: int) -> None:
    """nginx asks by HTTP/1.0 unless it is told otherwise."""
    async with serving(instruments=Instruments(SILENT, tell)) as house:
        reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
        writer.write(f"GET /metrics HTTP/{version}\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        assert (await reader.read()).startswith(f"HTTP/{version} {status} ".encode())
        writer.close()
        await writer.wait_closed()


async def test_nobody_sees_them_where_no_network_is_named() -> None:
    assert (await asked(attrs.evolve(CONFIG, metrics_networks=()))).status == 404


async def test_scrapes_are_logged_quietly() -> None:
    with capture_logs() as logged:
        await asked()
    assert [line["log_level"] for line in logged if line["event"] == "request"] == ["debug"]
