"""What a real site and a real worker tell Prometheus."""

import asyncio
import re
import socket
from collections.abc import Iterator
from contextlib import suppress

import orjson
import pytest

from adapters_postgres.embedded import EmbeddedPostgres
from tests.support.databases import migrated_database
from tests.support.http import Browser, browsing
from tests.support.ports import free_port
from tests.support.services import Installation, run
from tests.support.smtp_server import SmtpServer
from tests.support.waiting import eventually
from zero2prod.testing.builders import number

pytestmark = pytest.mark.alone

SAMPLE = re.compile(r"^(\w+(?:\{.*\})?) (\S+)$", re.MULTILINE)
CONFIRMATION = '{kind="confirmation"}'


@pytest.fixture
def database_url(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    with migrated_database(postgres_server, f"metrics_{number()}") as database:
        yield database.url


async def samples(browser: Browser) -> dict[str, float]:
    answer = await browser.get("/metrics")
    assert answer.status == 200
    return {name: float(value) for name, value in SAMPLE.findall(answer.text)}


async def test_a_site_tells_of_its_requests_its_sign_ups_and_the_backlog(database_url: str) -> None:
    installation = Installation.over(database_url, free_port())
    with installation.serving():
        async with browsing(installation.port) as browser:
            assert (await browser.post("/subscriptions", {"name": "Ada", "email": "ada@example.com"})).status == 200
            seen = await samples(browser)
            forwarded = await browser.get("/metrics", {"X-Forwarded-For": "127.0.0.1"})
    assert seen['zero2prod_requests_total{method="POST",route="/subscriptions",status="200"}'] == 1
    assert seen['zero2prod_sign_ups_total{outcome="mailed"}'] == 1
    assert seen["zero2prod_gathered_sign_ups_count"] == 1
    assert seen['zero2prod_actions_total{action="subscriber_signed_up"}'] == 1
    assert seen[f"zero2prod_deliveries_due{CONFIRMATION}"] == 1
    assert seen[f"zero2prod_deliveries_longest_wait_seconds{CONFIRMATION}"] > 0
    assert seen["zero2prod_store_up"] == 1
    assert (seen["zero2prod_pool_size"], seen["zero2prod_pool_busy"], seen["zero2prod_pool_waiting"]) == (10, 0, 0)
    assert seen["process_open_fds"] > 0
    assert forwarded.status == 404


async def test_a_worker_tells_of_its_mails_on_a_port_of_its_own(database_url: str) -> None:
    port = free_port()
    async with SmtpServer() as relay:
        installation = Installation.over(database_url, relay.port, WORKER_PORT=port)
        with installation.serving(), installation.working():
            async with browsing(installation.port) as site, browsing(port) as worker:
                await site.post("/subscriptions", {"name": "Ada", "email": "ada@example.com"})

                async def sent() -> bool:
                    return (await samples(worker))['zero2prod_mails_total{outcome="sent"}'] == 1

                assert await eventually(sent)
                seen = await samples(worker)
                ready = await worker.get("/health/ready")
                elsewhere = await worker.get("/")
    for step in ("connect", "greeting", "ehlo", "mail", "rcpt", "data", "end"):
        assert seen[f'zero2prod_smtp_wait_seconds_count{{step="{step}"}}'] == 1
    assert seen["zero2prod_store_up"] == 1
    assert (ready.status, orjson.loads(ready.body)["ready"]) == (200, True)
    assert elsewhere.status == 404


async def test_a_worker_waits_no_longer_than_a_site_for_whoever_is_slow(database_url: str) -> None:
    port = free_port()
    settings = {"WORKER_PORT": port, "LIMITS_HEADER_DEADLINE": "1s"}
    with Installation.over(database_url, free_port(), **settings).working():

        async def is_open() -> bool:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                return True
            return False

        assert await eventually(is_open)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: x")
        told = await reader.read()
        writer.close()
        async with browsing(port) as worker:
            seen = await samples(worker)
    assert told.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert seen['zero2prod_connections_dropped_total{reason="head"}'] == 1


async def test_a_scrape_hangs_on_no_database() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://nobody@127.0.0.1:{silent.getsockname()[1]}/nothing"
        installation = Installation.over(url, free_port())
        with installation.serving():
            async with browsing(installation.port) as browser:
                seen = await samples(browser)
    assert seen["zero2prod_store_up"] == 0
    assert f"zero2prod_deliveries_due{CONFIRMATION}" not in seen
    assert 'zero2prod_sign_ups_total{outcome="mailed"}' in seen


def test_a_port_that_is_taken_is_named(database_url: str) -> None:
    installation = Installation.over(database_url, free_port())
    with installation.serving():
        settings = {**installation.settings, "WORKER_PORT": installation.port}
        refused = run("worker", settings=settings)
    assert refused.returncode == 2
    rule = f"port {installation.port} is in use. Stop the other program, or choose another port."
    assert f"ZERO2PROD_WORKER_PORT: {rule}" in refused.stderr
    assert "Traceback" not in refused.stderr
